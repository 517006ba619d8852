// Time: programs that do not end, that catch or ward off their interruption, or that go on when the call is over.
import { type Attack, ALIVE, KEPT, py, type Turn } from "./attack.ts";

const KEEPS: Turn = { run: "kept = 7", ends: ["ok"] };

export const TIME: readonly Attack[] = [
  {
    name: "gc_bomb",
    category: "time",
    turns: [
      {
        run: py`
          import gc
          class N: pass
          L=[]
          for i in range(300000):
              n=N(); n.s=n; L.append(n)
          del L
          for _ in range(3): gc.collect()
          print('ok')
        `,
        ends: ["ok", "timeout"],
      },
      ALIVE,
    ],
  },
  {
    name: "burn_after_return",
    category: "time",
    turns: [
      {
        run: py`
          import threading
          def f():
              while True: pass
          for _ in range(4): threading.Thread(target=f,daemon=True).start()
          print('started')
        `,
        ends: ["ok"],
        prints: /^started\n$/,
      },
      ALIVE,
    ],
    idleCpuMs: 100,
  },
  {
    name: "infinite_loop_swallow",
    category: "time",
    turns: [
      {
        run: py`
          def burn():  # CPython 3.11 keeps the jump back of a loop out of the try that it begins; a call is in it
              while True: pass
          while True:
              try: burn()
              except BaseException: pass
        `,
        ends: ["timeout"],
        alive: false,
      },
      ALIVE,
    ],
    idleCpuMs: 100,
  },
  {
    name: "ignore_signals",
    category: "time",
    turns: [
      {
        run: py`
          import signal
          for s in range(1,64):
              try: signal.signal(s,signal.SIG_IGN)
              except (OSError,ValueError): pass
          while True: pass
        `,
        ends: ["timeout"],
        alive: false,
      },
      ALIVE,
    ],
  },
  {
    name: "loop_without_end",
    category: "time",
    turns: [KEEPS, { run: "while True: pass", ends: ["timeout"], alive: true }, KEPT],
  },
  {
    name: "blocked_signals",
    category: "time",
    turns: [
      {
        run: "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))\nwhile True: pass",
        ends: ["timeout"],
        alive: false,
      },
      ALIVE,
    ],
  },
  {
    name: "loop_in_native_code",
    category: "time",
    turns: [{ run: "import itertools\nmax(itertools.repeat(1))", ends: ["timeout"], alive: false }, ALIVE],
  },
  {
    name: "lock_that_nobody_opens",
    category: "time",
    turns: [
      { run: "import threading\nkept = 7\nlock = threading.Lock()\nlock.acquire();", ends: ["ok"] },
      {
        run: "lock.acquire()",
        ends: ["timeout"],
        alive: true,
      },
      KEPT,
    ],
  },
  {
    name: "alarm_taken_down",
    category: "time",
    turns: [
      {
        run: "import signal, time\nsignal.setitimer(signal.ITIMER_REAL, 0)\ntime.sleep(60)",
        ends: ["timeout"],
      },
      ALIVE,
    ],
  },
  {
    name: "clock_and_alarm_replaced",
    category: "time",
    turns: [
      {
        run: "import signal, time\nsignal.setitimer = lambda *a: None\ntime.monotonic = time.time = time.perf_counter = lambda: 0\nprint('set')",
        ends: ["ok"],
      },
      { run: "while True: pass", ends: ["timeout"] },
      { ...ALIVE, ends: ["ok", "timeout"], prints: /^(alive 42\n)?$/ },
    ],
  },
  {
    name: "wait_in_finally",
    category: "time",
    turns: [
      {
        run: "import time\ndef burn():\n    while True: pass\ntry: burn()\nfinally: time.sleep(60)",
        ends: ["timeout"],
        alive: false,
      },
      ALIVE,
    ],
  },
  {
    name: "sleep_in_native_code",
    category: "time",
    turns: [
      { run: "import ctypes\nctypes.PyDLL(None).sleep(60)\nwhile True: pass", ends: ["timeout"] },
      ALIVE,
    ],
  },
  {
    name: "stop_itself",
    category: "time",
    turns: [
      {
        run: "import os, signal\nfor s in (signal.SIGSTOP, signal.SIGTSTP): os.kill(os.getpid(), s)\nprint('went on')",
        ends: ["ok", "timeout", "forbidden", "pythonError"],
      },
      ALIVE,
    ],
  },
  {
    name: "text_of_an_error_without_end",
    category: "time",
    turns: [
      {
        run: "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        ends: ["timeout"],
      },
      ALIVE,
    ],
  },
  {
    name: "text_of_a_value_without_end",
    category: "time",
    turns: [
      KEEPS,
      {
        run: "class V:\n    def __repr__(self):\n        while True: pass\nV()",
        ends: ["timeout"],
        alive: true,
      },
      KEPT,
      { run: "class W:\n    def __repr__(self): return 'x' * (1 << 34)\nW()", ends: ["outOfMemory"] },
      { run: "class X:\n    def __repr__(self): return 5\nX()", ends: ["pythonError"], says: /^TypeError/ },
      ALIVE,
    ],
  },
  {
    name: "collector_that_sleeps",
    category: "time",
    turns: [
      { run: "import gc, time\ngc.callbacks.append(lambda *a: time.sleep(30))", ends: ["ok", "timeout"] },
      { ...ALIVE, ends: ["ok", "timeout", "killed"], prints: /^(alive 42\n)?$/ },
      { ...ALIVE, ends: ["ok", "timeout", "killed"], prints: /^(alive 42\n)?$/ },
    ],
  },
  {
    name: "threads_that_work_on",
    category: "time",
    turns: [
      {
        run: py`
          import hashlib, threading
          def work():
              while True: hashlib.sha256(bytes(1 << 20)).digest()
          for _ in range(8): threading.Thread(target=work, daemon=True).start()
        `,
        ends: ["ok", "timeout"],
      },
    ],
    idleCpuMs: 100,
  },
];
