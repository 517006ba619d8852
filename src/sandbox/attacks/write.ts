// Writing outside the session's own scratch folder.
import { type Attack, ALIVE, OK_OR_REFUSED, oneTurn, py, REFUSED } from "./attack.ts";

export const WRITE: readonly Attack[] = [
  {
    name: "setuid_file",
    category: "write",
    turns: oneTurn(
      py`
        import os
        open('/tmp/@tag@','w').write('#!/bin/sh\nid\n')
        try: os.chmod('/tmp/@tag@',0o6777); print(oct(os.stat('/tmp/@tag@').st_mode), os.stat('/tmp/@tag@').st_uid)
        except OSError as e: print(e)
        flags = os.statvfs('/tmp').f_flag
        print('NOSUID', bool(flags & 2), 'NODEV', bool(flags & 4), 'NOEXEC', bool(flags & 8))
      `,
      OK_OR_REFUSED,
      { prints: /^$|NOSUID True NODEV True NOEXEC True/ },
    ),
  },
  {
    name: "zip_slip",
    category: "write",
    turns: oneTurn(
      py`
        import tarfile,io
        for name in ('../../../../../../@data@/slip.txt', '@data@/slip.txt'):
            b=io.BytesIO(); t=tarfile.open(fileobj=b,mode='w'); i=tarfile.TarInfo(name); i.size=4; t.addfile(i,io.BytesIO(b'slip')); t.close(); b.seek(0)
            try: tarfile.open(fileobj=b).extractall('/tmp'); print('EXTRACTED')
            except Exception as e: print(type(e).__name__,e)
      `,
      ["ok"],
    ),
  },
  {
    name: "cross_session_file",
    category: "write",
    turns: oneTurn("open('/tmp/@tag@','w').write('FROM-A'); print('ok')", OK_OR_REFUSED),
    siblingAfter: ["print(os.path.exists('/tmp/@tag@'))", /^False\n$/],
    nextSession: ["print(os.path.exists('/tmp/@tag@'))", /^False\n$/],
  },
  {
    name: "write_host_image",
    category: "write",
    turns: [
      { run: "open('@image@','wb').write(b'tampered'); print('WROTE')", ends: REFUSED, alive: true },
      ALIVE,
    ],
  },
  {
    name: "rename_and_remove_host_files",
    category: "write",
    turns: oneTurn(
      py`
        import os, shutil
        for change in (lambda: os.truncate('@image@', 0), lambda: os.rename('@image@', '@image@.old'), lambda: os.unlink('@image@'),
                       lambda: os.replace('@secret@', '@data@/moved'), lambda: os.rename('@data@', '@data@.old'),
                       lambda: shutil.rmtree('@folder@'), lambda: os.unlink('@homefile@')):
            try: change(); print('CHANGED')
            except OSError as e: print(type(e).__name__)
      `,
      ["ok"],
      { never: /CHANGED/ },
    ),
  },
  {
    name: "marks_on_shared_files",
    category: "write",
    turns: oneTurn(
      py`
        import os
        marked = []
        for path in (np.__file__, os.__file__, '/usr/lib', '/usr', '/', '/dev/null', '@secret@'):
            for mark in (lambda: os.setxattr(path, 'user.mark', b'1'), lambda: os.utime(path, (1, 1)), lambda: os.chmod(path, 0o755),
                         lambda: os.chown(path, os.getuid(), os.getgid())):
                try: mark(); marked.append(path)
                except OSError: pass
        print('MARKED', marked)
      `,
      ["ok"],
      { prints: /^MARKED \[\]\n$/ },
    ),
  },
  {
    name: "files_in_every_folder",
    category: "write",
    turns: oneTurn(
      py`
        import matplotlib, os, sys, sysconfig
        folders = {'/', '/usr', '/usr/lib', '/usr/local', '/etc', '/var', '/var/tmp', '/run', '/dev', '/dev/shm', '/home', '/root', '/opt',
                   '/srv', '/mnt', '/lib', '/bin', '/proc', '/sys', '@home@', '@project@', '@folder@', sys.prefix, sys.base_prefix,
                   matplotlib.get_cachedir(), matplotlib.get_configdir(), *sysconfig.get_paths().values(), *sys.path}
        folders |= {os.path.dirname(m.__file__) for m in list(sys.modules.values()) if getattr(m, '__file__', None)}
        here, wrote = ('/tmp', '/dev/shm', os.getcwd()), []  # a session has these to itself, as other attacks prove
        for folder in sorted(folders):
            if not folder.startswith('/') or (os.path.realpath(folder) + '/').startswith(tuple(h + '/' for h in here)): continue
            for flags in (os.O_CREAT | os.O_WRONLY, os.O_TMPFILE | os.O_WRONLY):
                path = folder if flags & os.O_TMPFILE == os.O_TMPFILE else os.path.join(folder, '@tag@')
                try: os.close(os.open(path, flags, 0o600)); wrote.append(folder)
                except OSError: continue
                if path != folder: os.unlink(path)
        print('WROTE', wrote)
      `,
      ["ok"],
      { prints: /^WROTE \[\]\n$/ },
    ),
  },
  {
    name: "poisoned_libraries",
    category: "write",
    turns: oneTurn(
      py`
        import glob, os, sys, sysconfig
        site = sysconfig.get_paths()['purelib']
        opened = []
        paths = [np.__file__, os.__file__, sys.executable, *glob.glob(os.path.dirname(np.__file__) + '/__pycache__/*')[:5],
                 *glob.glob(site + '/*.pth'), *(getattr(m, '__file__', None) or '' for m in map(sys.modules.get, ('cell', 'frames', 'figures')) if m)]
        for path in filter(None, paths):
            try: os.close(os.open(path, os.O_RDWR)); opened.append(path)
            except OSError: pass
        for name in ('sitecustomize.py', 'usercustomize.py', '@tag@.pth'):
            path = os.path.join(site, name)
            try: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)); opened.append(path); os.unlink(path)
            except OSError: pass
        print('OPENED', opened)
      `,
      ["ok"],
      { prints: /^OPENED \[\]\n$/ },
    ),
  },
  {
    name: "shared_mapping_of_a_library",
    category: "write",
    turns: oneTurn(
      py`
        import ctypes, mmap, os
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        wrote = []
        for flags in (os.O_RDONLY, os.O_RDWR):
            try: fd = os.open(np.__file__, flags)
            except OSError: continue
            for protection in (1, 3):
                at = libc.mmap(None, 4096, protection, 1, fd, 0)
                if at in (None, 2**64 - 1): continue
                if protection == 3 or libc.mprotect(ctypes.c_void_p(at), 4096, 3) == 0: wrote.append((flags, protection))
        print('WRITABLE', wrote)
      `,
      ["ok"],
      { prints: /^WRITABLE \[\]\n$/ },
    ),
  },
  {
    name: "shared_memory_files",
    category: "write",
    turns: oneTurn(
      py`
        from multiprocessing import shared_memory
        try:
            with open('/dev/shm/@tag@', 'w') as f: f.write('FROM-A')
        except OSError as e: print(type(e).__name__)
        try:
            block = shared_memory.SharedMemory('@tag@m', create=True, size=64)
            print('MADE'); block.unlink()
        except Exception as e: print(type(e).__name__)
      `,
      ["ok"],
      { never: /MADE/ },
    ),
    siblingAfter: ["print(os.path.exists('/dev/shm/@tag@'))", /^False\n$/],
  },
  {
    name: "parent_of_the_scratch_folder",
    category: "write",
    turns: oneTurn(
      py`
        import os
        planted = []
        folder = os.getcwd()
        while folder != '/':
            folder = os.path.dirname(folder)
            try: open(os.path.join(folder, 'p@tag@'), 'w').close(); planted.append(folder)
            except OSError: pass
        for name in os.listdir('..'):
            try: open(f'../{name}/p@tag@', 'w').close(); planted.append(name)
            except OSError: pass
        print(len(planted))
      `,
      OK_OR_REFUSED,
    ),
    siblingAfter: [
      "import glob\nprint(glob.glob('p@tag@') + glob.glob('../p@tag@') + glob.glob('/tmp/*@tag@'))",
      /^\[\]\n$/,
    ],
    nextSession: ["import glob\nprint(glob.glob('../p@tag@') + glob.glob('/tmp/*@tag@'))", /^\[\]\n$/],
  },
];
