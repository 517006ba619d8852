// Cells are Python as in a notebook: lasting names, shown values, errors that point at the cell's own lines.
import assert from "node:assert/strict";
import { type Case, facts, OK, pythonError, runCells, runOne, texts } from "./case.ts";

export const LANGUAGE: readonly Case[] = [
  {
    name: "variables, functions and classes last",
    async check({ runtime }) {
      const printed = await texts(runtime, [
        "import math\nx = 2\ndef f(y):\n    return x * y\nclass C: pass",
        "x = 5",
        "print(f(3), math.floor(2.5))",
        "import pickle\nprint(type(pickle.loads(pickle.dumps(C()))) is C)",
      ]);
      assert.deepEqual(printed, ["", "", "15 2\n", "True\n"]);
    },
  },
  {
    name: "the cell is __main__",
    async check({ runtime }) {
      const cell =
        "x = 3\nimport __main__, sys\nprint(__name__, __main__.x, sys.modules['__main__'] is __main__, sys.argv)";
      assert.deepEqual(await texts(runtime, [cell]), ["__main__ 3 True ['']\n"]);
    },
  },
  {
    name: "plt, np and Image are there",
    async check({ runtime }) {
      const cell =
        "print(plt.__name__, np.__name__, Image.__name__)\nimport PIL.ImageDraw, matplotlib.patches, numpy.linalg";
      assert.deepEqual(await texts(runtime, [cell]), ["matplotlib.pyplot numpy PIL.Image\n"]);
    },
  },
  {
    name: "nothing but Python's own builtins",
    async check({ runtime }) {
      const cell =
        "import builtins\nprint([n for n in ('display', 'get_ipython', '__IPYTHON__') if hasattr(builtins, n)], callable(exit))";
      assert.deepEqual(await texts(runtime, [cell]), ["[] True\n"]);
    },
  },
  {
    name: "a bare last expression is shown",
    async check({ runtime }) {
      const cells = ["1\n'a\\n'", "None", "x = 3", "3;", "[x]  # comment", "if x: x", "(x,\n x)"];
      assert.deepEqual(await texts(runtime, cells), ["'a\\n'\n", "", "", "", "[3]\n", "", "(3, 3)\n"]);
    },
  },
  {
    name: "addresses are hidden",
    async check({ runtime }) {
      assert.deepEqual(await texts(runtime, ["object()"]), ["<object object at 0x...>\n"]);
    },
  },
  {
    name: "random numbers begin the same",
    async check({ runtime }) {
      const [text = ""] = await texts(runtime, ["import random\nprint(random.random(), np.random.rand())"]);
      assert.match(text, /^0\.84442\d+ 0\.54881\d+\n$/); // seed 0 in both
    },
  },
  {
    name: "hashes of texts are the same",
    async check({ runtime }) {
      const cell = "[hash(word) for word in ('red', 'green', 'blue')]";
      assert.deepEqual(await texts(runtime, [cell]), await texts(runtime, [cell]));
    },
  },
  {
    name: "asyncio runs",
    async check({ runtime }) {
      const cell =
        "import asyncio\nasync def f():\n    await asyncio.sleep(0.001)\n    return 7\nasyncio.run(f())";
      assert.deepEqual(await texts(runtime, [cell, "asyncio.run(f())"]), ["7\n", "7\n"]);
    },
  },
  {
    name: "an error has type, message and the cells' own lines",
    async check({ runtime }) {
      const [, second] = await runCells(runtime, [
        "from PIL import Image\ndef half(x):\n    return Image.new('RGB', (x // 2, -1))",
        "value = 3\n\nhalf(\n    value)",
      ]);
      assert.ok(second);
      assert.equal(second.alive, true);
      assert.deepEqual(second.outcome, {
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
    },
  },
  {
    name: "chained errors show both",
    async check({ runtime }) {
      const cell = "try:\n    {}['k']\nexcept KeyError as e:\n    raise RuntimeError('r') from e";
      assert.equal(
        pythonError(await runOne(runtime, cell)).traceback,
        [
          "Traceback (most recent call last):",
          '  File "<cell 1>", line 2, in <module>',
          "    {}['k']",
          "KeyError: 'k'",
          "",
          "The above exception was the direct cause of the following exception:",
          "",
          "Traceback (most recent call last):",
          '  File "<cell 1>", line 4, in <module>',
          "    raise RuntimeError('r') from e",
          "RuntimeError: r",
        ].join("\n"),
      );
    },
  },
  {
    name: "errors that fight back",
    async check({ runtime }) {
      const results = await runCells(runtime, [
        "class E(Exception):\n    def __str__(self): 1/0\nraise E",
        "def f(): f()\nf()",
        "raise ValueError('x' * 10**6)",
        "raise ValueError('\\ud800')",
        "print('on')",
      ]);
      const [own, deep, long, surrogate] = results.slice(0, 4).map(pythonError);
      assert.equal(own?.errorType, "E");
      assert.ok(deep?.errorType === "RecursionError" && deep.traceback.length < 4300);
      assert.ok(long && long.message.length < 1100 && long.message.includes("998976 characters cut")); // 10^6 - 1024
      assert.equal(surrogate?.message, "\ufffd");
      assert.equal(results[4]?.stdout, "on\n");
    },
  },
  {
    name: "a syntax error runs nothing",
    async check({ runtime }) {
      const [first, second] = await runCells(runtime, ["ran = True\nx = = 1", "ran"]);
      assert.ok(first && second);
      assert.match(
        pythonError(first).traceback,
        /^ {2}File "<cell 1>", line 2\n {4}x = = 1\n[ ^]+\nSyntaxError: invalid syntax$/,
      );
      assert.equal(pythonError(second).message, "name 'ran' is not defined");
    },
  },
  {
    name: "exit ends the cell, not the session",
    async check({ runtime }) {
      const results = await runCells(runtime, [
        "import sys\nx = 1",
        "sys.exit()",
        "exit(0)",
        "sys.exit('bye')",
        "x",
      ]);
      assert.deepEqual(
        results.map(({ outcome, alive }) => [outcome.type, alive]),
        [["ok", true], ["ok", true], ["ok", true], ["pythonError", true], ["ok", true]],
      ); // prettier-ignore
      assert.equal(results[4]?.stdout, "1\n");
    },
  },
  {
    name: "a KeyboardInterrupt of the code's own is its error",
    async check({ runtime }) {
      const [own, sent, next] = await runCells(runtime, [
        "x = 1\nraise KeyboardInterrupt('mine')",
        "import signal\nsignal.raise_signal(signal.SIGINT)",
        "x",
      ]);
      assert.ok(own && sent && next);
      assert.equal(pythonError(own).message, "mine");
      assert.equal(pythonError(sent).errorType, "KeyboardInterrupt");
      assert.deepEqual(facts(next), ["ok", true, "1\n"]);
    },
  },
  {
    name: "input() has nobody to ask",
    async check({ runtime }) {
      const [asked, read] = await runCells(runtime, [
        "name = input('name? ')",
        "import sys\nsys.stdin.read()",
      ]);
      assert.ok(asked && read);
      const { errorType, message } = pythonError(asked);
      assert.deepEqual(
        [errorType, message, asked.stdout],
        ["EOFError", "input() has nobody to ask: the program runs unattended", ""],
      );
      assert.deepEqual([read.outcome, read.stdout], [OK, "''\n"]);
    },
  },
];
