// What a cell sees and what comes back: a notebook's behaviour, without the notebook.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RgbImage } from "../core/image.ts";
import { printed, runCells, runtimeForTests, UNISOLATED } from "./testRuntime.ts";

process.env["PYVISION_TEST_SECRET"] = "the-trainer's-key";
const runtime = await runtimeForTests();

async function error(cell: string): Promise<{ errorType: string; message: string; traceback: string }> {
  const [result] = await runCells(runtime, [cell]);
  assert.equal(result?.outcome.type, "pythonError", JSON.stringify(result));
  assert.equal(result?.alive, true);
  return result.outcome;
}

test("variables, imports, functions and classes last from turn to turn", async () => {
  const results = await runCells(runtime, [
    "import math\nx = 2\ndef f(y):\n    return x * y\nclass C: pass",
    "x = 5",
    "print(f(3), math.floor(2.5), __name__)",
    "import pickle\nprint(type(pickle.loads(pickle.dumps(C()))) is C)",
  ]);
  assert.deepEqual(results.map(({ stdout }) => stdout), ["", "", "15 2 __main__\n", "True\n"]); // prettier-ignore
  assert.deepEqual(results.map(({ outcome, alive }) => [outcome.type, alive]), Array(4).fill(["ok", true])); // prettier-ignore
});

test("a bare last expression is shown by repr, None and a closing semicolon are not", async () => {
  const results = await runCells(runtime, ["1\n'a\\n'", "None", "x = 3", "3;", "[x]  # comment", "if x: x"]);
  assert.deepEqual(results.map(({ stdout }) => stdout), ["'a\\n'\n", "", "", "", "[3]\n", ""]); // prettier-ignore
});

test("text on every way out is captured: streams, file descriptors, C code, child processes where there are any", async () => {
  const cell = [
    "import os, sys, ctypes",
    "print('one'); sys.stderr.write('two\\n'); print('three', flush=True)",
    "os.write(1, b'four\\n'); os.write(2, b'five\\n'); os.system('echo six')",
    "libc = ctypes.CDLL(None); libc.puts(b'seven'); libc.fflush(None)",
    "pass",
  ];
  const [isolated] = await runCells(runtime, [cell.join("\n")]);
  assert.equal(isolated?.stdout, "one\ntwo\nthree\nfour\nfive\nseven\n");
  const [free] = await runCells(await runtimeForTests(UNISOLATED), [cell.join("\n")]);
  assert.equal(free?.stdout, "one\ntwo\nthree\nfour\nfive\nsix\nseven\n");
});

test("whatever a cell does to its streams, the next one's text is captured", async () => {
  const results = await runCells(runtime, [
    "import sys, io\nsys.stdout = io.StringIO()\nprint('lost')",
    "print('a')",
    "sys.stdout.close()",
    "print('b')",
    "import os\nos.close(1); os.close(2)",
    "print('c')",
    "sys.stdout = sys.stderr = None",
    "print('d')",
  ]);
  assert.deepEqual(results.map(({ stdout }) => stdout), ["", "a\n", "", "b\n", "", "c\n", "", "d\n"]); // prettier-ignore
});

test("bytes that are no UTF-8 and lone surrogates come back as readable text", async () => {
  const [result] = await runCells(runtime, ["import os\nos.write(1, b'a\\xffb\\x00c\\n'); print('\\ud800')"]);
  assert.equal(result?.stdout, "a\ufffdb\ufffdc\n\\ud800\n");
});

test("the traceback shows the cells' own frames with their lines, and nothing of the machinery", async () => {
  const [, second] = await runCells(runtime, [
    "from PIL import Image\ndef half(x):\n    return Image.new('RGB', (x // 2, -1))",
    "value = 3\n\nhalf(\n    value)",
  ]);
  assert.deepEqual(second?.outcome, {
    type: "pythonError",
    errorType: "ValueError",
    message: "Width and height must be >= 0",
    traceback: [
      "Traceback (most recent call last):",
      '  File "<cell 2>", line 3, in <module>',
      "    half(",
      '  File "<cell 1>", line 3, in half',
      "    return Image.new('RGB', (x // 2, -1))",
      "ValueError: Width and height must be >= 0",
    ].join("\n"),
  });
});

test("an error keeps what was printed before it", async () => {
  const [result] = await runCells(runtime, ["print('before')\n1/0"]);
  assert.equal(result?.stdout, "before\n");
  assert.equal(result?.outcome.type, "pythonError");
});

test("chained errors show both parts", async () => {
  const { traceback } = await error(
    "try:\n    {}['k']\nexcept KeyError as e:\n    raise RuntimeError('r') from e",
  );
  assert.equal(
    traceback,
    `Traceback (most recent call last):
  File "<cell 1>", line 2, in <module>
    {}['k']
KeyError: 'k'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "<cell 1>", line 4, in <module>
    raise RuntimeError('r') from e
RuntimeError: r`,
  );
});

test("a syntax error names the line; nothing of the cell has run", async () => {
  const [first, second] = await runCells(runtime, ["ran = True\nx = = 1", "ran"]);
  assert.equal(first?.outcome.type, "pythonError");
  assert.match(
    first.outcome.traceback,
    /^ {2}File "<cell 1>", line 2\n {4}x = = 1\n[ ^]+\nSyntaxError: invalid syntax$/,
  );
  assert.equal(second?.outcome.type === "pythonError" && second.outcome.message, "name 'ran' is not defined");
});

test("errors that fight back: a failing __str__, endless recursion, a very long message", async () => {
  assert.equal((await error("class E(Exception):\n    def __str__(self): 1/0\nraise E")).errorType, "E");
  const recursion = await error("def f(): f()\nf()");
  assert.equal(recursion.errorType, "RecursionError");
  assert.ok(recursion.traceback.length < 4200 && recursion.traceback.includes("repeated"));
  const long = await error("raise ValueError('x' * 10**6)");
  assert.ok(
    long.message.length < 1100 && long.message.includes("998976 characters cut"),
    long.message.slice(500, 600),
  );
});

test("exit: without a code it is the end of the cell, with one it is an error; the session goes on", async () => {
  const results = await runCells(runtime, [
    "import sys\nx = 1",
    "sys.exit()",
    "sys.exit(0)",
    "sys.exit('bye')",
    "x",
  ]);
  assert.deepEqual(results.map(({ outcome }) => outcome.type), ["ok", "ok", "ok", "pythonError", "ok"]); // prettier-ignore
  assert.equal(results[4]?.stdout, "1\n");
  assert.equal((await error("raise KeyboardInterrupt")).errorType, "KeyboardInterrupt");
});

test("input() says that there is nobody to ask", async () => {
  const { errorType, message } = await error("name = input('name? ')");
  assert.equal(errorType, "EOFError");
  assert.equal(message, "input() has nobody to ask: the program runs unattended");
  const [result] = await runCells(runtime, ["import sys\nsys.stdin.read()"]);
  assert.equal(result?.stdout, "''\n");
});

test("image_clue_i are PIL images of exactly the pixels sent", async () => {
  const images: RgbImage[] = [[5, 3], [64, 48]].map(([width = 0, height = 0], n) => ({ width, height, data: new Uint8Array(width * height * 3).map((_, i) => (i * 31 + n * 7) % 256) })); // prettier-ignore
  const session = await runtime.open({ images });
  for (const [i, { width, height, data }] of images.entries()) {
    const clue = `image_clue_${i}`;
    assert.equal(await printed(session, `${clue}.mode, ${clue}.size`), `('RGB', (${width}, ${height}))\n`);
    assert.equal(
      await printed(session, `${clue}.tobytes().hex()`),
      `'${Buffer.from(data).toString("hex")}'\n`,
    );
  }
  assert.equal(await printed(session, "'image_clue_2' in globals()"), "False\n");
  await session.close();
});

test("the same start for every session: random numbers, the order of sets, addresses in texts", async () => {
  const cell =
    "import random, numpy as np\nprint(random.random(), np.random.rand(), {'a', 'b', 'c', 'd'}, object())";
  const [first, second] = [await runCells(runtime, [cell]), await runCells(runtime, [cell])];
  assert.match(first[0]?.stdout ?? "", /^0\.84442\d+ 0\.54881\d+ \{.*\} <object object at 0x\.\.\.>\n$/);
  assert.equal(first[0]?.stdout, second[0]?.stdout);
});

test("sessions do not see each other's variables, modules' state or files", async () => {
  const [a, b] = [await runtime.open({ images: [] }), await runtime.open({ images: [] })];
  await printed(a, "import math\nsecret = 1; math.secret = 2; open('note', 'w').write('x');");
  assert.equal(
    await printed(
      b,
      "import math, os\nprint('secret' in globals(), hasattr(math, 'secret'), os.listdir('.'))",
    ),
    "False False []\n",
  );
  await Promise.all([a.close(), b.close()]);
});

test("the environment holds nothing of the trainer's, and the folder is the session's own", async () => {
  const names =
    "['HOME', 'LANG', 'MKL_NUM_THREADS', 'MPLBACKEND', 'MPLCONFIGDIR', 'NUMEXPR_NUM_THREADS', 'OMP_NUM_THREADS', " +
    "'OPENBLAS_NUM_THREADS', 'PATH', 'PYTHONHASHSEED', 'TMPDIR']\n";
  const cell = "import os\nprint(sorted(os.environ))";
  assert.equal((await runCells(runtime, [cell]))[0]?.stdout, names);
  const [free] = await runCells(await runtimeForTests(UNISOLATED), [
    `${cell}; print(open('/proc/self/environ').read().count('trainer'))`,
  ]);
  assert.equal(free?.stdout, `${names}0\n`);
  const cwd =
    "import os, sys\nprint(os.environ['HOME'] == os.getcwd(), oct(os.stat('.').st_mode & 0o777), sys.argv)";
  assert.equal((await runCells(runtime, [cwd]))[0]?.stdout, "True 0o700 ['']\n");
});

test("only the standard descriptors, the connection and the output file are open", async () => {
  const look = [
    "import os",
    "def is_open(fd):",
    "    try: os.fstat(fd)",
    "    except OSError: return False",
    "    return True",
    "[fd for fd in range(4096) if is_open(fd)]",
  ];
  const [result] = await runCells(runtime, [look.join("\n")]);
  assert.equal(result?.stdout, "[0, 1, 2, 3, 5]\n"); // 3: the connection; 4 was where files came; 5: behind 1 and 2
});

test("calls on one session run one after another, in order", async () => {
  const session = await runtime.open({ images: [] });
  const results = await Promise.all(["x = 1", "x += 1\nx", "x *= 10\nx"].map((cell) => session.run(cell)));
  assert.deepEqual(results.map(({ stdout }) => stdout), ["", "2\n", "20\n"]); // prettier-ignore
  await session.close();
  await assert.rejects(session.run("x"), /run: the session is closed/);
});

test("text that a cell buffered before it closed its descriptors is still its own", async () => {
  const results = await runCells(runtime, ["import os\nos.close(1); os.close(2)\nprint('a')", "print('b')"]);
  assert.deepEqual(results.map(({ stdout }) => stdout), ["a\n", "b\n"]); // prettier-ignore
});

test("a stream or a figure of the cell's own making that fails does not cost it the session", async () => {
  const results = await runCells(runtime, [
    "import sys\nclass Odd:\n  def write(self, text): pass\n  def flush(self): 1 / 0\nsys.stdout = Odd()",
    "from matplotlib._pylab_helpers import Gcf\nGcf.figs[1] = object()",
    "plt.plot([1]); plt.show()",
  ]);
  assert.deepEqual(results.map(({ outcome, alive }) => [outcome.type, alive]), Array(3).fill(["ok", true])); // prettier-ignore
  assert.equal(results[2]?.figures.length, 1);
});
