// Ends of the process and errors of every shape: each is reported as what it was, and a session answers next.
import { type Attack, ALIVE, ANY, KEPT, py, type Turn } from "./attack.ts";

/** The process dies at once; the next call has a fresh one. */
const dies = (name: string, run: string): Attack => ({
  name,
  category: "crash",
  turns: [{ run, ends: ["killed"], alive: false, withinMs: 1000 }, ALIVE],
});

/** An error like any other: the variables stay. */
const errs = (name: string, run: string, says: RegExp, next: Turn = KEPT): Attack => ({
  name,
  category: "crash",
  turns: [{ run: `kept = 7\n${run}`, ends: ["pythonError"], says, alive: true }, next],
});

export const CRASH: readonly Attack[] = [
  errs("keyboard_interrupt", "raise KeyboardInterrupt()", /^KeyboardInterrupt/),
  {
    name: "sys_exit_in_thread",
    category: "crash",
    turns: [
      {
        run: "import threading,sys\nkept=7\nt=threading.Thread(target=lambda: sys.exit(1)); t.start(); t.join(); print('ok')",
        ends: ["ok"],
        prints: /^ok\n$/,
        alive: true,
      },
      KEPT,
    ],
  },
  errs("sys_exit", "x=41\nimport sys\nsys.exit(3)", /^SystemExit: 3/, {
    run: "print('alive',6*7, x)",
    ends: ["ok"],
    prints: /^alive 42 41\n$/,
  }),
  errs("deep_recursion", "def f(n): return f(n+1)\nf(0)", /^RecursionError/),
  dies("os_exit", "import os\nos._exit(0)"),
  dies("segfault_ctypes", "import ctypes\nctypes.string_at(0)"),
  dies("abort", "import os\nos.abort()"),
  {
    name: "recursion_past_the_stack",
    category: "crash",
    turns: [
      {
        run: "import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return f([x].__repr__())\nf(0)",
        ends: ANY,
      },
      {
        run: "import sys\nsys.setrecursionlimit(10**9)\nx = []\nfor _ in range(10**6): x = [x]\nrepr(x)",
        ends: ANY,
      },
      ALIVE,
    ],
  },
  {
    name: "signals_to_itself",
    category: "crash",
    turns: [
      {
        run: "import os, signal\nfor s in (9, 11, 6, 15, 1, 2, 13, 31):\n    try: os.kill(os.getpid(), s)\n    except BaseException as e: print(type(e).__name__)",
        ends: ["ok", "killed", "pythonError", "forbidden"],
      },
      ALIVE,
    ],
  },
  {
    name: "fault_of_faulthandler",
    category: "crash",
    // The first process of a process name space does not die of signals it sends itself.
    turns: [{ run: "import faulthandler\nfaulthandler._sigsegv()", ends: ["ok", "killed"] }, ALIVE],
  },
  {
    name: "watchdog_of_faulthandler",
    category: "crash",
    turns: [
      {
        run: "import faulthandler, time\nfaulthandler.dump_traceback_later(0.2, exit=True)\ntime.sleep(5)",
        ends: ["killed", "pythonError", "timeout"],
      },
      ALIVE,
    ],
  },
  dies("broken_interpreter", "import ctypes\nctypes.pythonapi.Py_FatalError(b'over')"),
  {
    name: "overwritten_objects",
    category: "crash",
    turns: [
      {
        run: "import ctypes\nctypes.memset(id(None), 0, 16)\nctypes.memset(id(int), 0xff, 256)\nprint([None, 5])",
        ends: ANY,
        withinMs: 4000,
      },
      ALIVE,
    ],
  },
  dies("finalized_interpreter", "import ctypes\nctypes.PyDLL(None).Py_Finalize()\nctypes.string_at(0)"),
  {
    name: "exits_that_hang",
    category: "crash",
    turns: [
      {
        run: py`
          import atexit, threading, time, weakref
          class Slow:
              def __del__(self): time.sleep(30)
          slow = Slow(); final = weakref.finalize(slow, time.sleep, 30); atexit.register(time.sleep, 30)
          threading._shutdown = lambda: time.sleep(30)
          threading.Thread(target=time.sleep, args=(1000,)).start()
          kept = 7
        `,
        ends: ["ok"],
      },
      KEPT,
    ],
  },
  errs(
    "cause_in_a_circle",
    "a, b = ValueError(1), ValueError(2)\na.__cause__, b.__cause__ = b, a\nraise a",
    /^ValueError: 1/,
  ),
  {
    name: "cause_a_million_deep",
    category: "crash",
    turns: [
      {
        run: "kept = 7\ne = ValueError(0)\nfor i in range(1_000_000):\n    f = ValueError(i); f.__cause__ = e; e = f\nraise e",
        ends: ANY,
      },
      ALIVE,
    ],
  },
  {
    name: "groups_within_groups",
    category: "crash",
    turns: [
      {
        run: "import sys\nif sys.version_info < (3, 11): raise ValueError(0)\ne = ValueError(0)\nfor i in range(5000): e = ExceptionGroup('g', [e, ValueError(i)])\nraise e",
        ends: ANY,
      },
      ALIVE,
    ],
  },
  errs("raise_of_no_exception", "raise 5", /^TypeError: exceptions must derive from BaseException/),
  errs("exception_of_the_bottom_class", "class Own(BaseException): pass\nraise Own('mine')", /^Own: mine/),
  {
    name: "exceptions_that_lie_about_themselves",
    category: "crash",
    turns: [
      {
        run: py`
          class Meta(type):
              __name__ = property(lambda self: 1 / 0)
              __module__ = property(lambda self: 1 / 0)
              def __instancecheck__(self, other): raise KeyError
              def __subclasscheck__(self, other): raise KeyError
          class Liar(Exception, metaclass=Meta):
              __class__ = property(lambda self: MemoryError)
              __traceback__ = __cause__ = __context__ = property(lambda self: self)
              def __str__(self): return 5
              def __repr__(self): raise SystemExit
              def __getattribute__(self, name): raise SystemExit(0)
          raise Liar
        `,
        ends: ANY,
      },
      ALIVE,
    ],
  },
  {
    name: "text_of_an_error_that_exits",
    category: "crash",
    turns: [
      { run: "class E(Exception):\n    def __str__(self): raise SystemExit(5)\nraise E", ends: ANY },
      {
        run: "class E(Exception):\n    def __str__(self): import os; os._exit(5)\nraise E",
        ends: ["killed"],
        alive: false,
      },
      ALIVE,
    ],
  },
  {
    name: "own_timeout_raised",
    category: "crash",
    turns: [
      {
        run: "import sys\nkept = 7\nraise getattr(sys.modules.get('cell'), 'CellTimeout', ValueError)",
        ends: ["timeout", "pythonError"],
        alive: true,
        withinMs: 1000,
        limitMs: 60_000, // its own, not the call's
      },
      KEPT,
    ],
  },
];
