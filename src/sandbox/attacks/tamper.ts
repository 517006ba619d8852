// Changing the runner from inside: what it is made of, what it relies on, where it stands.
import { type Attack, ALIVE, ANY, KEPT, py, type Turn } from "./attack.ts";

const MAYBE: Turn = { ...ALIVE, ends: ANY, prints: /^(alive 42\n)?/ };

/** It may spoil its own session as it likes, and no other. */
const spoils = (name: string, ...runs: string[]): Attack => ({
  name,
  category: "tamper",
  turns: [...runs.map((run): Turn => ({ run, ends: ANY })), MAYBE, MAYBE],
});

/** It spoils nothing, not even its own next call. */
const holds = (name: string, run: string, next: Turn = KEPT): Attack => ({
  name,
  category: "tamper",
  turns: [{ run: `kept = 7\n${run}`, ends: ["ok", "pythonError", "forbidden"], alive: true }, next],
});

const PLOT: Turn = {
  run: "plt.figure(figsize=(2, 1), dpi=50); plt.plot([1,2]); plt.show(); print('alive',6*7)",
  ends: ["ok"],
  prints: /^alive 42\n$/,
  figures: "100x50",
};

/** Every module of the runner, whatever it is called, is in `runner`. */
const RUNNER = py`
  import sys
  def functions(frame=sys._getframe()):
      while frame:
          yield frame.f_globals
          frame = frame.f_back
  runner = [g for g in functions() if g is not globals()]
  runner += [vars(m) for n, m in list(sys.modules.items()) if n in ('cell', 'frames', 'figures', 'output', 'session', 'isolation', 'zygote', '__mp_main__')]
`;

export const TAMPER: readonly Attack[] = [
  holds("close_stdout", "import sys\nsys.stdout.close()"),
  holds("replace_stdout", "import sys\nsys.stdout=None"),
  spoils(
    "streams_that_raise",
    "import sys\nclass S:\n    def __getattr__(self, name): raise ZeroDivisionError\nsys.stdout = sys.stderr = S()",
  ),
  holds("descriptor_1_closed", "import os\nos.close(1); os.close(2)"),
  {
    name: "signal_handlers",
    category: "tamper",
    turns: [
      {
        run: "import signal\nsignal.signal(signal.SIGTERM,lambda *a: None); signal.signal(signal.SIGALRM,signal.SIG_IGN); signal.setitimer(signal.ITIMER_REAL,.2); print('set')",
        ends: ["ok"],
        prints: /^set\n$/,
      },
      { run: "import time; time.sleep(1); print('alive',6*7)", ends: ["ok"], prints: /^alive 42\n$/ },
      { run: "while True: pass", ends: ["timeout"], alive: true },
    ],
  },
  {
    name: "backend_change",
    category: "tamper",
    turns: [
      {
        run: py`
          import matplotlib
          for b in ('TkAgg','svg','pdf','ps','template','module://evil','nbagg','webagg'):
              try: plt.switch_backend(b); print(b,'ok')
              except Exception as e: print(b,type(e).__name__)
        `,
        ends: ["ok"],
      },
      { ...PLOT, figures: "100x50" },
    ],
  },
  ...["send", "receive"].map((name) =>
    spoils(
      `runner_without_${name}`,
      `${RUNNER}\nfor g in runner:\n    if '${name}' in g: g['${name}'] = lambda *a, **k: None`,
    ),
  ),
  spoils(
    "runner_that_answers_nonsense",
    `${RUNNER}\nfor g in runner:\n    for name in ('run', '_outcome', '_describe', 'clean', '_texts', 'take'):\n        if name in g: g[name] = lambda *a, **k: 'nonsense'\nraise ValueError`,
  ),
  ...[
    "len",
    "isinstance",
    "print",
    "exec",
    "compile",
    "BaseException",
    "Exception",
    "MemoryError",
    "repr",
    "str",
    "type",
    "__import__",
    "__build_class__",
  ].map((name) =>
    spoils(`builtin_${name}_replaced`, `import builtins\nbuiltins.${name} = lambda *a, **k: 1 / 0`),
  ),
  spoils(
    "libraries_of_the_runner_replaced",
    "import json, struct, os, gc, signal, traceback, linecache, ast\njson.dumps = json.loads = gc.collect = os.fstat = os.pread = os.ftruncate = signal.signal = ast.parse = lambda *a, **k: b'x'\nstruct.Struct.pack = None",
    "import json, os, gc, traceback\njson.loads = os.write = os.dup2 = traceback.TracebackException = lambda *a, **k: 1 / 0\n1 / 0",
  ),
  spoils("no_modules", "import sys\nsys.modules.clear(); sys.path.clear(); sys.meta_path.clear()"),
  spoils(
    "trace_function_that_raises",
    "import sys\nsys.settrace(lambda *a: 1 / 0)\nsys.setprofile(lambda *a: 1 / 0)\nprint(1)",
  ),
  spoils("audit_hook_that_raises", "import sys\nsys.addaudithook(lambda event, args: 1 / 0)", "1"),
  spoils(
    "hooks_of_errors",
    "import sys, threading\nsys.excepthook = sys.displayhook = sys.unraisablehook = threading.excepthook = lambda *a: 1 / 0\nthreading.Thread(target=lambda: 1 / 0).start()\nNone + 1",
  ),
  spoils("main_emptied", "globals().clear()", "import sys\nsys.modules['__main__'] = None", "x = 1"),
  spoils(
    "recursion_limit_of_a_few",
    "import sys\ntry: sys.setrecursionlimit(60)\nexcept RecursionError: sys.setrecursionlimit(120)",
  ),
  holds("collector_off", "import gc\ngc.disable(); gc.freeze(); gc.set_threshold(1)", PLOT),
  spoils("figures_behind_the_back", "from matplotlib._pylab_helpers import Gcf\nGcf.figs[99] = 5"),
  {
    name: "capture_with_wrong_pictures",
    category: "tamper",
    turns: [
      {
        run: "import sys\nfigures = sys.modules.get('figures')\nfigures.capture.pictures += [(-1, 4, b''), (1 << 30, 1 << 30, b'x'), (2, 2, b'x')]",
        ends: ["killed", "pythonError"],
        figures: "",
      },
      ALIVE,
    ],
  },
  {
    name: "limits_of_figures_lifted",
    category: "tamper",
    turns: [
      {
        run: "import sys\nc = sys.modules['figures'].capture\nc.max_figures = c.max_pixels = 10**9\nfor i in range(40): Image.new('RGB', (4, 4)).show()",
        ends: ["killed", "pythonError", "ok"],
        figures: "",
      },
      ALIVE,
    ],
  },
  {
    name: "modules_of_the_runner_planted",
    category: "tamper",
    turns: [
      {
        run: py`
          import os, sys
          for name in ('frames', 'cell', 'session', 'json', 'struct', 'numpy', 'encodings', 'av', 'traceback', 'sitecustomize', 'matplotlibrc'):
              open(name + ('.py' if name != 'matplotlibrc' else ''), 'w').write("open('/tmp/@tag@', 'w').write('planted')\nprint('PLANTED')\n")
          for name in ('PYTHONSTARTUP', 'PYTHONPATH', 'LD_PRELOAD', 'LD_LIBRARY_PATH', 'PYTHONINSPECT'): os.environ[name] = os.getcwd() + '/frames.py'
        `,
        ends: ["ok"],
      },
      { run: "1/0", ends: ["pythonError"], never: /PLANTED/ },
      { ...PLOT, never: /PLANTED/ },
    ],
    nextSession: ["import json, struct, traceback\nprint(os.environ.get('LD_PRELOAD'))", /^None\n$/],
  },
  {
    name: "own_scratch_removed",
    category: "tamper",
    turns: [
      {
        run: "import os, shutil\nkept = 7\nshutil.rmtree(os.getcwd(), ignore_errors=True)",
        ends: ["ok", "pythonError", "forbidden"],
        alive: true,
      },
      KEPT,
      PLOT,
      { run: "raise ValueError('x')", ends: ["pythonError"], says: /^ValueError: x/ },
    ],
  },
  {
    name: "folder_that_is_gone",
    category: "tamper",
    turns: [
      {
        run: "import os\nkept = 7\nos.makedirs('a/b'); os.chdir('a/b'); os.rmdir('../b'); os.umask(0o777)",
        ends: ["ok"],
        alive: true,
      },
      KEPT,
      PLOT,
    ],
  },
  {
    name: "full_scratch_and_a_reply",
    category: "tamper",
    turns: [
      {
        run: py`
          kept = 7
          print('before' * 10)
          try:
              with open('full', 'wb', 0) as f:
                  while f.write(b'x' * 65536): pass
          except OSError as e: print(e.errno in (27, 28))
          print('x' * 3000)
          plt.figure(figsize=(2, 1), dpi=50); plt.plot([1]); plt.show()
        `,
        ends: ["ok"],
        prints: /^(before){10}\nTrue\nx{3000}\n$/,
        figures: "100x50",
        alive: true,
      },
      KEPT,
    ],
  },
];
