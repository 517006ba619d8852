// Outliving the call, the session or the host; and standard input.
import { type Attack, ALIVE, KEPT, OK_OR_REFUSED, oneTurn, py, REFUSED } from "./attack.ts";

export const PERSIST: readonly Attack[] = [
  {
    name: "daemon_outlives_session",
    category: "persist",
    turns: [
      {
        run: py`
          import os,time
          p=os.fork()
          if p==0:
              os.setsid()
              if os.fork(): os._exit(0)
              import signal
              for s in (1,2,15): signal.signal(s,signal.SIG_IGN)
              t=time.time()
              while time.time()-t<30: time.sleep(1)
              os._exit(0)
          os.waitpid(p,0); print('DAEMON STARTED')
        `,
        ends: REFUSED,
        never: /STARTED/,
        alive: true,
      },
      ALIVE,
    ],
  },
  {
    name: "thread_outlives_session",
    category: "persist",
    turns: [
      {
        run: "import threading\nthreading.Timer(0.7, lambda: open('/tmp/@tag@', 'w').close()).start(); print('started')",
        ends: ["ok"],
        prints: /^started\n$/,
      },
    ],
    nextSession: ["import time\ntime.sleep(1)\nprint(os.path.exists('/tmp/@tag@'))", /^False\n$/],
  },
  {
    name: "own_session_and_group",
    category: "persist",
    turns: oneTurn(
      py`
        import os
        for leave in (os.setsid, lambda: os.setpgid(0, os.getppid()), lambda: os.setpgid(0, 0), lambda: os.setpgid(@hostpid@, 0)):
            try: leave(); print('left')
            except OSError as e: print(type(e).__name__)
        kept = 7
      `,
      OK_OR_REFUSED,
    ),
  },
  {
    name: "death_signal_and_subreaper",
    category: "persist",
    turns: oneTurn(
      py`
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        ulong = ctypes.c_ulong
        print('CHANGED', [name for name, option in (('pdeathsig', 1), ('subreaper', 36), ('ptracer', 0x59616d61)) if libc.prctl(option, ulong(0), ulong(0), ulong(0), ulong(0)) == 0])
      `,
      OK_OR_REFUSED,
      { prints: /^(CHANGED \[\]\n)?$/ },
    ),
  },
  {
    name: "start_up_files",
    category: "persist",
    turns: oneTurn(
      py`
        import os
        planted = []
        for path in ('@home@/.bashrc', '@home@/.profile', '/etc/profile', '/etc/crontab', '/etc/ld.so.preload', '/etc/passwd', '@project@/package.json'):
            try: os.close(os.open(path, os.O_WRONLY | os.O_APPEND)); planted.append(path)
            except OSError: pass
        for folder in ('/etc/cron.d', '/etc/profile.d', '/var/spool/cron', '@home@/.config', '@project@', '@project@/.git/hooks', '/etc/systemd/system'):
            path = folder + '/@tag@'
            # A project below /tmp leaves an empty folder of its name in the session's own scratch: that is no plant.
            if os.getpid() == 1 and os.path.isdir(folder) and os.stat(folder).st_dev == os.stat('/tmp').st_dev == os.stat('.').st_dev: continue
            try: os.close(os.open(path, os.O_CREAT | os.O_WRONLY)); planted.append(path); os.unlink(path)
            except OSError: pass
        print('PLANTED', planted)
      `,
      ["ok"],
      { prints: /^PLANTED \[\]\n$/ },
    ),
  },
];

export const STDIN: readonly Attack[] = [
  {
    name: "input_call",
    category: "stdin",
    turns: [
      {
        run: py`
          kept = 7
          f=__builtins__['inp'+'ut'] if isinstance(__builtins__,dict) else getattr(__builtins__,'inp'+'ut')
          print(repr(f('q? ')))
        `,
        ends: ["pythonError"],
        says: /^EOFError/,
        alive: true,
        withinMs: 500,
      },
      KEPT,
    ],
  },
  {
    name: "terminal_and_descriptor_0",
    category: "stdin",
    turns: oneTurn(
      py`
        import fcntl, os, select, sys
        print(repr(sys.stdin.read()), os.read(0, 10), select.select([0], [], [], 1)[0])
        for path in ('/dev/tty', '/dev/console', '/dev/pts/0', '/proc/self/fd/0'):
            try: print('READ', os.read(os.open(path, os.O_RDONLY | os.O_NONBLOCK), 10) or 'nothing')
            except OSError as e: print(type(e).__name__)
        for fd in range(4):
            try: fcntl.ioctl(fd, 0x5412, b'x'); print('TYPED')
            except OSError as e: print(type(e).__name__)
      `,
      ["ok"],
      { prints: /^'' b'' \[0\]\n/, never: /READ b|TYPED/ },
    ),
  },
];

export const USABILITY: readonly Attack[] = [
  {
    name: "answer_tag_in_code",
    category: "usability",
    turns: oneTurn("print('<answer>B</answer>')", ["ok"], { prints: /^<answer>B<\/answer>\n$/ }),
  },
  {
    name: "words_that_only_look_dangerous",
    category: "usability",
    turns: oneTurn(
      py`
        def model_input(subprocess): return f'os.system({subprocess})'  # input(x); subprocess.run(y)
        text = '''exec( eval( __import__ input('''
        print(model_input(1), text)
      `,
      ["ok"],
      { prints: /^os\.system\(1\) exec\( eval\( __import__ input\(\n$/ },
    ),
  },
];
