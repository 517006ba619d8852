// Other programs and other processes.
import { type Attack, ALIVE, oneTurn, py, REFUSED } from "./attack.ts";

export const EXEC: readonly Attack[] = [
  {
    name: "os_system_spelled",
    category: "exec",
    turns: [
      {
        run: py`
          import os
          f=getattr(os,'sys'+'tem'); print('rc',f('echo SHELLRAN > /tmp/@tag@')); print(os.path.exists('/tmp/@tag@'))
        `,
        ends: ["ok", ...REFUSED],
        never: /True/,
      },
      ALIVE,
    ],
  },
  {
    name: "every_way_to_start_a_process",
    category: "exec",
    turns: [
      {
        run: py`
          import ctypes, multiprocessing, os, pty, subprocess
          libc = ctypes.CDLL(None, use_errno=True)
          def forked():
              pid = os.fork()
              if pid == 0: os._exit(0)
              os.waitpid(pid, 0)
          def in_a_terminal():
              pid, _ = pty.fork()
              if pid == 0: os._exit(0)
              os.waitpid(pid, 0)
          def process():
              p = multiprocessing.get_context('fork').Process(target=int); p.start(); p.join()
          started = []
          for name, start in (('run', lambda: subprocess.run(['/bin/true'])), ('popen', lambda: os.popen('true').read()), ('fork', forked),
                  ('spawn', lambda: os.posix_spawn('/bin/true', ['true'], {})), ('spawnv', lambda: os.spawnv(os.P_WAIT, '/bin/true', ['true']) and 1 / 0),
                  ('pty', in_a_terminal), ('process', process), ('manager', lambda: multiprocessing.get_context('fork').Manager())):
              try: start(); started.append(name)
              except Exception: pass
          print('STARTED', started)
        `,
        ends: ["ok"],
        prints: /^STARTED \[\]\n$/,
        alive: true,
      },
      ALIVE,
    ],
  },
  {
    name: "execve_of_itself",
    category: "exec",
    turns: [
      { run: "import os\nos.execv('/bin/sh', ['sh', '-c', 'echo SHELLRAN'])", ends: REFUSED, alive: true },
      ALIVE,
    ],
  },
  {
    name: "process_pool",
    category: "exec",
    turns: [
      {
        run: py`
          from concurrent.futures import ProcessPoolExecutor
          with ProcessPoolExecutor(2) as pool: print('STARTED', list(pool.map(abs, [1])))
        `,
        ends: REFUSED,
        never: /STARTED/,
      },
      ALIVE,
    ],
  },
  {
    name: "programs_from_scratch",
    category: "exec",
    turns: oneTurn(
      py`
        import os, shutil, sys
        open('run.sh', 'w').write('#!/bin/sh\necho SHELLRAN\n')
        shutil.copy(os.path.realpath(sys.executable), 'python')
        for name in ('run.sh', 'python'):
            try: os.chmod(name, 0o755)
            except OSError: pass
        for path in ('./run.sh', './python'):
            try: os.execv(path, [path, '-c', 'print("SHELLRAN")'])
            except OSError as e: print(type(e).__name__)
        try:
            fd = os.memfd_create('x'); os.write(fd, b'#!/bin/sh\necho SHELLRAN\n'); os.execve(fd, ['x'], {})
        except OSError as e: print(type(e).__name__)
      `,
      ["ok"],
      { prints: /^(PermissionError\n){3}$/ },
    ),
  },
  {
    name: "native_library_from_scratch",
    category: "exec",
    turns: oneTurn(
      py`
        import _ctypes, ctypes, glob, os, shutil
        library = _ctypes.__file__
        shutil.copy(library, 'mine.so')
        try: ctypes.CDLL(os.path.abspath('mine.so')); print('LOADED')
        except OSError as e: print('refused')
      `,
      ["ok"],
      { prints: /^refused\n$/ },
    ),
  },
  {
    name: "clone_by_number",
    category: "exec",
    turns: oneTurn(
      py`
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        x86 = os.uname().machine == 'x86_64'
        for number, arguments in ((56 if x86 else 220, (17, 0, 0, 0, 0)), (57 if x86 else 220, (17, 0, 0, 0, 0)), (58 if x86 else 220, (0x4000 | 17, 0, 0, 0, 0))):
            pid = libc.syscall(number, *arguments)
            if pid == 0: os._exit(0)
            if pid > 0: print('CLONED')
      `,
      ["ok"],
      { prints: /^$/ },
    ),
  },
];
