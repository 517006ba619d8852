// The kernel's own doors: limits, privileges, name spaces, and system calls that no program about pictures needs.
import { type Attack, ALIVE, ANY, KEPT, oneTurn, py, REFUSED } from "./attack.ts";

/** Calls by number must be refused by the filter itself: EPERM or ENOSYS. Any other error means the kernel looked at them. */
const byNumber = (table: string): string =>
  py`
  import ctypes, os
  libc = ctypes.CDLL(None, use_errno=True)
  x86 = os.uname().machine == 'x86_64'
  r = {}
`.concat(
    `\n${table}\n`,
    py`
  for name, (intel, arm), args in calls:
      number = intel if x86 else arm
      if number is None: continue
      ctypes.set_errno(0); v = libc.syscall(number, *args); r[name] = os.strerror(ctypes.get_errno()) if v < 0 else 'OK'
  print('REACHED', {k: v for k, v in r.items() if v not in ('Operation not permitted', 'Function not implemented')})
`,
  );
const NONE_REACHED = /^REACHED \{\}\n$/;

export const KERNEL: readonly Attack[] = [
  {
    name: "rlimit_raise",
    category: "kernel",
    turns: oneTurn(
      py`
        import resource
        r=[]
        for k in ('RLIMIT_AS','RLIMIT_NPROC','RLIMIT_NOFILE','RLIMIT_FSIZE','RLIMIT_CPU','RLIMIT_CORE','RLIMIT_MEMLOCK'):
            i=getattr(resource,k)
            before=resource.getrlimit(i)
            try: resource.setrlimit(i,(-1,-1)); r.append((k,'RAISED' if resource.getrlimit(i) != before else 'the same'))
            except Exception as e: r.append((k,type(e).__name__,resource.getrlimit(i)))
        print(r)
      `,
      ["ok"],
      { never: /RAISED/ },
    ),
  },
  {
    name: "limits_of_others",
    category: "kernel",
    turns: oneTurn(
      py`
        import os, resource
        reached = []
        for pid in {os.getppid(), @hostpid@, *range(2, 300)} - {0, os.getpid()}:
            try: resource.prlimit(pid, resource.RLIMIT_NOFILE); reached.append(pid)
            except OSError: pass
        print('REACHED', reached)
      `,
      ["ok"],
      { prints: /^REACHED \[\]\n$/ },
    ),
  },
  {
    name: "exotic_syscalls",
    category: "kernel",
    turns: oneTurn(
      byNumber(py`
        calls = (('io_uring_setup',(425,425),(4,0)),('bpf',(321,280),(0,0,0)),('userfaultfd',(323,282),(1,)),('perf_event_open',(298,241),(0,0,-1,-1,0)),
                 ('keyctl',(250,219),(0,-3,1)),('add_key',(248,217),(0,0,0,0,0)),('open_by_handle_at',(304,265),(-1,0,0)),('pidfd_open',(434,434),(1,0)),
                 ('kexec_load',(246,104),(0,0,0,0)),('init_module',(175,105),(0,0,0)),('swapon',(167,224),(0,0)),('memfd_create',(319,279),(b'x',0)),
                 ('process_madvise',(440,440),(0,0,0,0,0)),('fsopen',(430,430),(b'tmpfs',0)),('clone3',(435,435),(0,0)))
      `),
      ["ok"],
      { prints: NONE_REACHED },
    ),
  },
  {
    name: "more_exotic_syscalls",
    category: "kernel",
    turns: oneTurn(
      byNumber(py`
        calls = (('io_uring_enter',(426,426),(-1,0,0,0,0,0)),('io_uring_register',(427,427),(-1,0,0,0)),('request_key',(249,218),(0,0,0,0)),
                 ('finit_module',(313,273),(-1,b'',0)),('delete_module',(176,106),(b'x',0)),('kexec_file_load',(320,294),(-1,-1,0,0,0)),
                 ('process_vm_writev',(311,271),(1,0,0,0,0,0)),('pidfd_getfd',(438,438),(-1,0,0)),('ptrace',(101,117),(16,1,0,0)),
                 ('kcmp',(312,272),(1,1,0,0,0)),('fanotify_init',(300,262),(0,0)),('quotactl',(179,60),(0,0,0,0)),('acct',(163,89),(0,)),
                 ('syslog',(103,116),(2,0,0)),('lookup_dcookie',(212,18),(0,0,0)),('mbind',(237,235),(0,0,0,0,0,0)),('migrate_pages',(256,238),(0,0,0,0)),
                 ('move_pages',(279,239),(1,0,0,0,0,0)),('vhangup',(153,58),()),('settimeofday',(164,170),(0,0)),('adjtimex',(159,171),(0,)),
                 ('clock_adjtime',(305,266),(0,0)),('iopl',(172,None),(3,)),('ioperm',(173,None),(0,1,1)),('modify_ldt',(154,None),(0,0,0)),
                 ('name_to_handle_at',(303,264),(-1,0,0,0,0)),('open_tree',(428,428),(-1,b'/',0)),('move_mount',(429,429),(-1,b'',-1,b'',0)),
                 ('mount_setattr',(442,442),(-1,b'',0,0,0)),('landlock_create_ruleset',(444,444),(0,0,0)),('memfd_secret',(447,447),(0,)),
                 ('mq_open',(240,180),(b'x',0,0,0)),('shmget',(29,194),(1,4096,0)),('semget',(64,190),(1,1,0)),('msgget',(68,186),(1,0)),
                 ('personality',(135,92),(0x40000,)),('setdomainname',(171,162),(b'x',1)),('reboot',(169,142),(0,0,0,0)))
      `),
      ["ok"],
      // landlock may be allowed: it can only take rights away.
      { prints: /^REACHED (\{\}|\{'landlock_create_ruleset': '[^']*'\})\n$/ },
    ),
  },
  {
    name: "name_spaces_and_mounts",
    category: "kernel",
    turns: [
      {
        run: py`
          import ctypes, os
          libc = ctypes.CDLL(None, use_errno=True)
          os.makedirs('m', exist_ok=True)
          done = []
          for name, flag in (('user', 0x10000000), ('mount', 0x20000), ('net', 0x40000000), ('pid', 0x20000000), ('ipc', 0x8000000), ('uts', 0x4000000), ('cgroup', 0x2000000), ('time', 0x80)):
              if libc.unshare(flag) == 0: done.append(name)
          for name, call in (('tmpfs', lambda: libc.mount(b'none', b'm', b'tmpfs', 0, None)), ('bind', lambda: libc.mount(b'/', b'm', None, 4096, None)),
                  ('remount', lambda: libc.mount(b'none', b'/', None, 32 | 4096, None)), ('proc', lambda: libc.mount(b'proc', b'm', b'proc', 0, None)),
                  ('umount', lambda: libc.umount2(b'/tmp', 2)), ('chroot', lambda: libc.chroot(b'm')), ('pivot', lambda: libc.syscall(155 if os.uname().machine == 'x86_64' else 41, b'm', b'm')),
                  ('host name', lambda: libc.sethostname(b'x', 1)), ('setns', lambda: libc.setns(3, 0)), ('device', lambda: libc.mknod(b'm/d', 0o20666, 0x103)),
                  ('swapoff', lambda: libc.swapoff(b'/swap'))):
              if call() == 0: done.append(name)
          kept = 7
          print('DONE', done)
        `,
        ends: ["ok"],
        prints: /^DONE \[\]\n$/,
      },
      KEPT,
    ],
  },
  {
    name: "other_users_and_capabilities",
    category: "kernel",
    turns: oneTurn(
      py`
        import ctypes, os, struct
        libc = ctypes.CDLL(None, use_errno=True)
        done = []
        for name, call in (('setuid', lambda: libc.setuid(12345)), ('setgid', lambda: libc.setgid(12345)), ('setgroups', lambda: libc.setgroups(0, None)),
                ('setresuid', lambda: libc.setresuid(1, 2, 3)), ('setfsuid', lambda: 0 if (libc.setfsuid(77), libc.setfsuid(-1))[1] == 77 else -1)):
            if call() == 0: done.append(name)
        header = ctypes.create_string_buffer(struct.pack('Ii', 0x20080522, 0))
        data = ctypes.create_string_buffer(24)
        if libc.capget(header, data) == 0 and any(struct.unpack('6I', data.raw)): done.append(('capabilities', data.raw.hex()))
        full = ctypes.create_string_buffer(struct.pack('6I', *[0xffffffff] * 6))
        if libc.capset(header, full) == 0: done.append('capset')
        if any(libc.prctl(23, ctypes.c_ulong(n), 0, 0, 0) == 1 for n in range(41)): done.append('bounding set')
        if libc.prctl(39, 0, 0, 0, 0) == 0: done.append('privileges can be gained')
        print('DONE', done)
      `,
      ["ok"],
      { prints: /^DONE \[\]\n$/ },
    ),
  },
  {
    name: "clock_set",
    category: "kernel",
    turns: oneTurn(
      py`
        import ctypes
        libc=ctypes.CDLL(None,use_errno=True)
        import os,time
        class ts(ctypes.Structure): _fields_=[('s',ctypes.c_long),('n',ctypes.c_long)]
        ctypes.set_errno(0); v=libc.clock_settime(0,ctypes.byref(ts(int(time.time())+0,0))); print('SET' if v==0 else os.strerror(ctypes.get_errno()))
      `,
      ["ok"],
      { prints: /^Operation not permitted\n$/ },
    ),
  },
  {
    name: "seccomp_undo",
    category: "kernel",
    turns: oneTurn(
      py`
        import ctypes
        libc=ctypes.CDLL(None,use_errno=True)
        import os
        r=[]
        for nm,a in (('prctl_seccomp_off',(22,0,0,0,0)),('no_new_privs_off',(38,0,0,0,0)),('dumpable',(4,1,0,0,0))):
            ctypes.set_errno(0); r.append((nm,libc.prctl(*a),os.strerror(ctypes.get_errno())))
        r.append(('personality',libc.personality(0x0040000)))
        import socket
        try: socket.socket(); r.append('SOCKET OK')
        except OSError as e: r.append(str(e))
        print(r)
      `,
      ["ok"],
      {
        prints:
          /^\[\('prctl_seccomp_off', -1, .*\('no_new_privs_off', -1, .*\('personality', -1\), '.*Operation not permitted'\]\n$/,
      },
    ),
  },
  {
    name: "calls_of_32_bit_programs",
    category: "kernel",
    // getpid by int 0x80, where the numbers mean other calls than the filter's: mov eax, 20; int 0x80; ret.
    turns: [
      {
        run: py`
          import ctypes, mmap, os
          if os.uname().machine == 'x86_64':
              page = mmap.mmap(-1, 4096, prot=7)
              page.write(bytes.fromhex('b814000000cd80c3'))
              call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
              print('I386', 'REACHED' if call() == os.getpid() else 'refused')
        `,
        ends: ["ok", "killed", ...REFUSED],
        never: /REACHED/,
      },
      ALIVE,
    ],
  },
  {
    name: "calls_of_x32_programs",
    category: "kernel",
    turns: [
      {
        run: py`
          import ctypes, os
          libc = ctypes.CDLL(None, use_errno=True)
          if os.uname().machine == 'x86_64': print('X32', 'REACHED' if libc.syscall(0x40000000 + 39) == os.getpid() else 'refused')
        `,
        ends: ["ok", "killed", ...REFUSED],
        never: /REACHED/,
      },
      ALIVE,
    ],
  },
  {
    name: "filters_of_its_own",
    category: "kernel",
    turns: [
      {
        run: py`
          import ctypes, struct
          libc = ctypes.CDLL(None, use_errno=True)
          allow = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
          program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 1, ctypes.addressof(allow)))
          libc.prctl(22, 2, program, 0, 0)
          import socket
          socket.socket(socket.AF_INET); print('REACHED')
        `,
        ends: [...REFUSED, "killed"],
        never: /REACHED/,
      },
      ALIVE,
    ],
  },
  {
    name: "signals_and_leases_by_fcntl",
    category: "kernel",
    // F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY, F_SETPIPE_SZ, F_ADD_SEALS: other processes are told, or held up.
    turns: oneTurn(
      py`
        import fcntl, os, struct
        file, (reader, writer), answered = os.open(np.__file__, os.O_RDONLY), os.pipe(), []
        for fd in (file, os.open('/usr/lib', os.O_RDONLY), reader, 1, 3):
            for command, argument in ((8, os.getppid() or 2), (8, @hostpid@), (10, 9), (15, struct.pack('ii', 1, @hostpid@)), (1024, 0), (1026, 1), (1031, 1 << 20), (1033, 15)):
                try: fcntl.fcntl(fd, command, argument); answered.append((fd, command))
                except OSError: pass
        print('ANSWERED', answered)
      `,
      ["ok"],
      { prints: /^ANSWERED \[\]\n$/ },
    ),
  },
  {
    name: "devices_by_ioctl",
    category: "kernel",
    turns: oneTurn(
      py`
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        buffer, answered = ctypes.create_string_buffer(4096), []
        for fd in (0, 1, 2, 3, os.open('/usr/lib', os.O_RDONLY), os.open(np.__file__, os.O_RDONLY), os.open('f', os.O_CREAT | os.O_RDWR)):
            for request in (0x5412, 0x8912, 0x8927, 0x4B46, 0x127B, 0x40086602, 0x80086601, 0xC020660B, 0x5422, 0x6601, 0xC0045877):
                if libc.ioctl(fd, request, buffer) == 0: answered.append((fd, hex(request)))
        print('ANSWERED', answered)
      `,
      ANY,
      { prints: /^ANSWERED \[\]\n$/ },
    ),
  },
];
