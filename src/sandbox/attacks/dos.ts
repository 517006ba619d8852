// Using up what is shared: processes, disk, descriptors, the host's patience. Memory and figures have files of their own.
import { type Attack, ALIVE, KEPT, oneTurn, py } from "./attack.ts";

export const DOS: readonly Attack[] = [
  {
    name: "stop_siblings",
    category: "dos",
    // Signal 0 first: what can be reached is counted, and only a session that reaches nobody goes on to the real thing.
    turns: oneTurn(
      py`
        import os,signal
        n=0
        for s in (0,signal.SIGSTOP):
            for p in range(2,500) if n==0 else ():
                if p!=os.getpid() and p!=os.getppid():
                    try: os.kill(p,s); n+=1
                    except OSError: pass
        print('STOPPED',n)
      `,
      ["ok"],
      { prints: /^STOPPED 0\n$/ },
    ),
  },
  {
    name: "kill_all",
    category: "dos",
    turns: [
      {
        run: py`
          import os
          try: os.kill(-1,0); print('SENT')
          except Exception as e:
              print(type(e).__name__,e)
              try: os.kill(-1,9); print('SENT')
              except Exception as e: print(type(e).__name__,e)
        `,
        ends: ["ok", "killed"],
        never: /SENT/,
      },
      ALIVE,
    ],
  },
  {
    name: "kill_parent_and_group",
    category: "dos",
    turns: [
      {
        run: py`
          import os
          for pid, kill in ((os.getppid(), os.kill), (1, os.kill), (@hostpid@, os.kill), (os.getpgid(0), os.killpg)):
              if pid in (0, os.getpid()): continue
              try: kill(pid, 0); print('REACHED', pid)
              except OSError as e: print(type(e).__name__)
        `,
        ends: ["ok"],
        never: /REACHED/,
      },
      ALIVE,
    ],
  },
  {
    name: "signal_by_thread_id",
    category: "dos",
    turns: oneTurn(
      py`
        import ctypes, os, threading
        libc = ctypes.CDLL(None, use_errno=True)
        x86 = os.uname().machine == 'x86_64'
        reached = []
        for pid in {os.getppid(), @hostpid@, *range(2, 300)} - {0, os.getpid(), threading.get_native_id()}:
            if libc.syscall(200 if x86 else 130, pid, 0) == 0: reached.append(pid)
            if libc.syscall(234 if x86 else 131, pid, pid, 0) == 0: reached.append(pid)
            if libc.syscall(424, pid, 0, 0, 0) == 0: reached.append(pid)
        print('REACHED', reached)
      `,
      ["ok"],
      { prints: /^REACHED \[\]\n$/ },
    ),
  },
  {
    name: "fork_bomb",
    category: "dos",
    turns: oneTurn(
      py`
        import os, time
        n = 0
        try:
            for _ in range(60):
                if os.fork() == 0: time.sleep(3); os._exit(0)
                n += 1
        except OSError: pass
        print('FORKED', n)
      `,
      ["ok"],
      { prints: /^FORKED 0\n$/ },
    ),
  },
  {
    name: "thread_bomb",
    category: "dos",
    turns: [
      {
        run: py`
          import threading, time
          n = 0
          try:
              for _ in range(10_000):
                  threading.Thread(target=time.sleep, args=(1000,), daemon=True).start(); n += 1
          except RuntimeError as e: print(e)
          print('FEW' if n < 200 else n)
        `,
        ends: ["ok"],
        prints: /^can't start new thread\nFEW\n$/,
      },
      ALIVE,
    ],
  },
  {
    name: "fd_exhaust",
    category: "dos",
    turns: [
      {
        run: py`
          import os
          L=[]
          kept=7
          try:
              for _ in range(30000): L.append(os.open('/dev/null',0))
          except OSError as e: print(e.strerror)
          print('FDS', len(L) < 128)
          for f in L: os.close(f)
        `,
        ends: ["ok"],
        prints: /^Too many open files\nFDS True\n$/,
      },
      KEPT,
    ],
  },
  {
    name: "fds_kept_by_the_program",
    category: "dos",
    turns: [
      {
        run: "import os\nkept, held = 7, []\ntry:\n    while True: held.append(os.open('/dev/null', 0))\nexcept OSError as e: print(e.strerror)",
        ends: ["ok"],
        prints: /^Too many open files\n$/,
      },
      KEPT,
    ],
  },
  {
    name: "slow_drip_stdout",
    category: "dos",
    turns: oneTurn(
      py`
        import time
        t=time.time()
        while time.time()-t<60: print('.',end='',flush=True); time.sleep(.05)
      `,
      ["timeout"],
      { prints: /^\.{10,200}$/, alive: true, limitMs: 10_000 },
    ),
  },
  {
    name: "inode_fill",
    category: "dos",
    turns: [
      {
        run: py`
          import os
          n=0
          os.makedirs('ino',exist_ok=True)
          try:
              for i in range(30000): open(f'ino/{i}','w').close(); n+=1
          except OSError as e: print(e.strerror)
          kept=7
          print('FILES',n)
        `,
        ends: ["ok"],
        prints: /^No space left on device\nFILES [1-4]\d{3}\n$/,
      },
      KEPT,
    ],
    siblingAfter: ["open('more.txt', 'w').write('room'); print(open('more.txt').read())", /^room\n$/],
  },
  {
    name: "memfd_fill",
    category: "dos",
    turns: oneTurn(
      py`
        import os
        n=0
        try:
            for i in range(24):
                f=os.memfd_create('x')
                for _ in range(100): os.write(f,b'x'*(1<<20)); n+=1
        except OSError as e: print(type(e).__name__,e)
        print('GOT_MB',n)
      `,
      ["ok"],
      { prints: /GOT_MB 0\n$/ },
    ),
  },
  {
    name: "disk_fill",
    category: "dos",
    turns: [
      {
        run: py`
          import os
          n=0
          for d in ('/tmp','/dev/shm','/var/tmp','@data@','.'):
              name = 'f' if d == '/tmp' else 'g'
              for i in range(3):
                  try:
                      with open(f'{d}/{name}@tag@{i}','wb',0) as f:
                          for _ in range(300): n+=f.write(b'x'*(1<<20))
                  except OSError as e: print(e.strerror)
          kept=7
          print('WROTE_MB',n>>20)
        `,
        ends: ["ok"],
        prints: /WROTE_MB ([1-5]?\d|6[0-4])\n$/,
      },
      { run: "print('x' * 5000)", ends: ["ok"], prints: /^x{5000}\n$/ },
      KEPT,
    ],
    absent: [
      "/tmp/f@tag@0",
      "/tmp/f@tag@1",
      "/tmp/f@tag@2",
      "/var/tmp/g@tag@0",
      "/dev/shm/g@tag@0",
      "@data@/g@tag@0",
    ],
    siblingAfter: ["open('more.txt', 'w').write('room'); print(open('more.txt').read())", /^room\n$/],
  },
  {
    name: "sparse_and_reserved_files",
    category: "dos",
    turns: [
      {
        run: py`
          import os
          kept = 7
          for make in (lambda f: os.truncate(f, 1 << 40), lambda f: os.posix_fallocate(f, 0, 1 << 30), lambda f: os.pwrite(f, b'x', 1 << 35)):
              fd = os.open('sparse', os.O_CREAT | os.O_RDWR)
              try: make(fd); print('MADE')
              except OSError as e: print(e.strerror)
        `,
        ends: ["ok"],
        never: /MADE/,
      },
      KEPT,
    ],
  },
  {
    name: "huge_raw_fd1",
    category: "dos",
    turns: oneTurn(
      py`
        import os
        for _ in range(40): os.write(1,b'RAWFD1'*170000)
        print('done')
      `,
      ["ok", "outputLimit"],
      { prints: /^(RAWFD1)+RA?W?F?D?\n\[\.\.\. \d+ bytes cut \.\.\.\]\n/ },
    ),
  },
  {
    name: "flood_from_native_code",
    category: "dos",
    turns: [
      {
        run: py`
          import ctypes
          kept, write, text = 7, ctypes.CDLL(None).write, b'FLOOD' * 20_000
          while True: write(2, text, len(text))
        `,
        ends: ["outputLimit", "timeout"],
        prints: /^(FLOOD)+/,
        alive: true,
        limitMs: 10_000, // to begin with the flood
      },
      KEPT,
    ],
  },
  {
    name: "flood_after_the_reply",
    category: "dos",
    turns: [
      {
        run: py`
          import os, threading
          def flood():
              while True: os.write(1, b'FLOOD' * 1000)
          for _ in range(3): threading.Thread(target=flood, daemon=True).start()
        `,
        ends: ["ok", "outputLimit"],
      },
      { run: "import time; time.sleep(0.3)", ends: ["ok", "outputLimit", "timeout"], never: /alive/ },
    ],
  },
  {
    name: "priority_over_others",
    category: "dos",
    turns: oneTurn(
      py`
        import os
        won = []
        for name, ask in (('nice', lambda: os.nice(-10)), ('priority', lambda: os.setpriority(os.PRIO_PROCESS, 0, -5)),
                ('fifo', lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))),
                ('others', lambda: os.setpriority(os.PRIO_PROCESS, os.getppid() or 2, 10))):
            try: ask(); won.append(name)
            except Exception: pass
        print('WON', won)
      `,
      ["ok"],
      { prints: /^WON \[\]\n$/ },
    ),
  },
];
