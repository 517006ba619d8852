// Reading what is not the session's: files and environments of the host. Memory and siblings are in readOthers.ts.
import { type Attack, ALIVE, OK_OR_REFUSED, oneTurn, py, REFUSED } from "./attack.ts";

/** Opens each way in turn and prints what it read. */
const readers = (paths: string): string => `
import os
for path in ${paths}:
    try: print(path, open(path, errors='replace').read(4096))
    except Exception as e: print(path, type(e).__name__)
`;

export const READ: readonly Attack[] = [
  {
    name: "read_etc_shadow",
    category: "read",
    turns: [
      { run: "print(open('/etc/shadow').read())", ends: REFUSED, never: /root:|nobody:/, alive: true },
      ALIVE,
    ],
  },
  {
    name: "proc_environ_walk",
    category: "read",
    turns: oneTurn(
      py`
        import os
        for p in os.listdir('/proc') if os.path.isdir('/proc') else []:
            if p.isdigit():
                for f in ('environ','cmdline'):
                    try: print(p,f,open(f'/proc/{p}/{f}','rb').read())
                    except Exception as e: print(p,f,type(e).__name__)
      `,
      OK_OR_REFUSED,
      { never: /zygote|node|HOME=/ },
    ),
  },
  {
    name: "env_leak",
    category: "read",
    turns: oneTurn("import os\nprint(dict(os.environ))", ["ok"], {
      never: /KEY|TOKEN|SECRET|PASSW|NODE|npm|SSH|USER/,
    }),
  },
  {
    name: "read_home_secrets",
    category: "read",
    turns: oneTurn(
      py`
        import glob,os
        for p in ['@homefile@','/root/.ssh/id_rsa','/root/.netrc',os.path.expanduser('~/.aws/credentials'),'/home']+glob.glob('/home/*/.ssh/*')+glob.glob('/root/.*'):
            try: print('READ', p, open(p).read())
            except Exception as e: print(p, type(e).__name__)
      `,
      ["ok"],
      { never: /READ/ },
    ),
  },
  {
    name: "host_file_by_its_path",
    category: "read",
    turns: [
      { run: "print(open('@secret@').read())", ends: REFUSED, says: /^(FileNotFound|Permission)Error/ },
      ALIVE,
    ],
  },
  {
    name: "host_file_through_proc",
    category: "read",
    turns: oneTurn(
      readers(
        "[p + '@secret@' for p in ('/proc/self/root', '/proc/1/root', '/proc/@hostpid@/root', '/proc/self/cwd' + '/..' * 20)]",
      ),
      ["ok"],
    ),
  },
  {
    name: "host_file_by_dots",
    category: "read",
    turns: oneTurn(readers("['../' * n + '@secret@' for n in (1, 3, 40)]"), ["ok"]),
  },
  {
    name: "host_file_by_links",
    category: "read",
    turns: oneTurn(
      py`
        import os
        for make, path in ((os.symlink, 's'), (os.link, 'h')):
            try:
                make('@secret@', path)
                print(path, open(path).read())
            except OSError as e: print(type(e).__name__)
      `,
      ["ok"],
    ),
  },
  {
    name: "host_file_from_a_directory_descriptor",
    category: "read",
    turns: oneTurn(
      py`
        import os
        for start in ('/', '..', '/tmp', '/proc/self/fd'):
            try:
                root = os.open(start, os.O_PATH | os.O_DIRECTORY)
                os.fchdir(root)
                file = os.open('../' * 20 + '@secret@'[1:], os.O_RDONLY, dir_fd=root)
                print(start, os.read(file, 100))
            except OSError as e: print(start, type(e).__name__)
      `,
      ["ok"],
    ),
  },
  {
    name: "host_file_by_other_readers",
    category: "read",
    turns: oneTurn(
      py`
        import ctypes, linecache, mmap, os, tokenize
        libc = ctypes.CDLL(None)
        def raw():
            buffer = ctypes.create_string_buffer(100)
            fd = libc.open(b'@secret@', 0)
            if fd < 0: raise OSError('refused')
            libc.read(fd, buffer, 100)
            return buffer.value
        def film():
            import av
            return av.open('@secret@', format='rawvideo', options={'video_size': '1x1'}).streams
        for read in (raw, film, lambda: linecache.getlines('@secret@'), lambda: np.fromfile('@secret@', 'S1').tobytes(),
                     lambda: np.memmap('@secret@', 'u1', 'r').tobytes(),
                     lambda: plt.imread('@secret@'), lambda: np.loadtxt('@secret@', dtype=str)):
            try: print('READ' if read() else 'nothing')
            except Exception as e: print(type(e).__name__)
      `,
      ["ok"],
      { never: /READ|UnidentifiedImageError/ },
    ),
  },
  {
    name: "walk_of_the_root",
    category: "read",
    turns: oneTurn(
      py`
        import os, sys
        known = tuple(map(os.path.realpath, ('/usr', '/tmp', sys.prefix, sys.base_prefix)))
        found = []
        for folder, folders, files in os.walk('/'):
            folders[:] = [f for f in folders if not os.path.realpath(os.path.join(folder, f)).startswith(known)]
            wanted = {'.git', '.env', 'checkpoints', 'trajectories', 'node_modules', 'package.json', '.ssh', 'shadow', 'runs', '.bash_history'}
            found += [os.path.join(folder, name) for name in wanted & {*folders, *files}]
        print('FOUND', found)
      `,
      ["ok"],
      { prints: /^FOUND \[\]\n$/ },
    ),
  },
  {
    name: "mounts_and_machine",
    category: "read",
    turns: oneTurn(
      py`
        import os, sys
        def reads(p):
            try: return bool(os.listdir(p) if os.path.isdir(p) else open(p).read(1))
            except OSError: return False
        seen = [p for p in ('/proc/mounts', '/proc/self/mountinfo', '/proc/cmdline', '/proc/net/unix', '/proc/sys/kernel/hostname',
                '/sys/class', '/sys/fs/cgroup', '/run/docker.sock', '/var/run/docker.sock', '/run/user', '/boot', '/root', '/home',
                '/mnt', '/srv', '/media', '/etc/hosts', '/etc/resolv.conf', '/etc/machine-id', '/var/log', '/var/lib') if reads(p)]
        way = [os.path.realpath(p) + '/' for p in (sys.prefix, sys.base_prefix, sys.executable)]
        print('SEEN', [p for p in seen if not any(w.startswith(p + '/') for w in way)])
      `,
      ["ok"],
      { prints: /^SEEN \[\]\n$/ },
    ),
  },
  {
    name: "device_files",
    category: "read",
    turns: oneTurn(
      py`
        import os
        harmless = {'null', 'zero', 'full', 'random', 'urandom', 'tty'}
        opened = []
        for folder, _, names in os.walk('/dev'):
            for name in names:
                if name in harmless: continue
                try: os.close(os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NONBLOCK)); opened.append(name)
                except OSError: pass
        for name in ('mem', 'kmem', 'kmsg', 'port', 'sda', 'vda', 'fuse', 'kvm', 'net/tun', 'dri/card0', 'nvidia0', 'loop0', 'ptmx', 'console'):
            try: os.close(os.open('/dev/' + name, os.O_RDONLY | os.O_NONBLOCK)); opened.append(name)
            except OSError: pass
        print('OPENED', sorted(set(opened)))
      `,
      ["ok"],
      { prints: /^OPENED \[\]\n$/ },
    ),
  },
  {
    name: "inherited_descriptors",
    category: "read",
    turns: oneTurn(
      py`
        import os, stat
        kinds = []
        for fd in range(3, 4096):
            try: mode = os.fstat(fd).st_mode
            except OSError: continue
            kinds.append('socket' if stat.S_ISSOCK(mode) else 'output' if os.path.sameopenfile(fd, 1) else oct(mode))
        print(kinds)
      `,
      ["ok"],
      { prints: /^\['socket'(, 'output')?\]\n$/ },
    ),
  },
  {
    name: "file_by_handle",
    category: "read",
    turns: oneTurn(
      py`
        import ctypes, os, struct
        libc = ctypes.CDLL(None, use_errno=True)
        for inode in (1, 2, 128, 256):
            handle = ctypes.create_string_buffer(struct.pack('IiII', 8, 1, inode, 0))
            for place in ('/', '/tmp', '.', '/usr'):
                try: fd = libc.open_by_handle_at(os.open(place, os.O_RDONLY), handle, os.O_RDONLY)
                except OSError: continue
                if fd >= 0: print('OPENED', place, inode, os.listdir(fd)[:5])
      `,
      ["ok"],
      { never: /OPENED/ },
    ),
  },
  {
    name: "existence_of_host_files",
    category: "read",
    turns: oneTurn(
      py`
        import os
        for look in (lambda: os.stat('@secret@'), lambda: os.chdir('@folder@'), lambda: os.statvfs('@data@'), lambda: os.access('@secret@', os.R_OK) or 1 / 0,
                     lambda: [os.stat('@project@/' + name) for name in ('package.json', 'docs')], lambda: os.stat('@homefile@')):
            try: look(); print('REACHED')
            except Exception as e: print(type(e).__name__)
      `,
      ["ok"],
      { never: /REACHED/ },
    ),
  },
  {
    name: "browse_through_dlopen_and_listings",
    category: "read",
    turns: oneTurn(
      py`
        import ctypes, gettext, os
        for load in (lambda: ctypes.CDLL('@secret@'), lambda: gettext.translation('@secret@'), lambda: os.scandir('@data@')):
            try: load(); print('REACHED')
            except Exception as e: print(type(e).__name__, str(e).count('invalid ELF'))
      `,
      ["ok"],
      { never: /REACHED|OSError 1/ },
    ),
  },
];
