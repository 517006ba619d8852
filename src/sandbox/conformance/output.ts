// What a cell writes comes back: in order, readable, and cut in the middle when it is long.
import assert from "node:assert/strict";
import { type Case, CONFORMANCE_OPTIONS, facts, OK, pythonError, runCells, runOne, texts } from "./case.ts";

const { maxFileBytes } = CONFORMANCE_OPTIONS;

export const OUTPUT: readonly Case[] = [
  {
    name: "prints and errors come in order",
    async check({ runtime }) {
      const cell =
        "import sys\nprint('one'); sys.stderr.write('two\\n'); print('three', flush=True); print('four', file=sys.stderr)";
      assert.deepEqual(await texts(runtime, [cell, "pass"]), ["one\ntwo\nthree\nfour\n", ""]);
    },
  },
  {
    name: "writes past Python's streams are kept",
    async check({ runtime }) {
      const cell = [
        "import os, sys, ctypes",
        "print('one', flush=True)",
        "os.write(1, b'two\\n'); os.write(2, b'three\\n')",
        "libc = ctypes.CDLL(None); libc.puts(b'four'); libc.fflush(None)",
        "print('five')",
      ];
      assert.deepEqual(await texts(runtime, [cell.join("\n")]), ["one\ntwo\nthree\nfour\nfive\n"]);
    },
  },
  {
    name: "a cell cannot spoil the next one's streams",
    async check({ runtime }) {
      const cells = [
        "import sys, io\nsys.stdout = io.StringIO()\nprint('lost')",
        "print('a')",
        "sys.stdout.close()",
        "print('b')",
        "import os\nos.close(1); os.close(2)",
        "print('c')",
        "sys.stdout = sys.stderr = None",
        "print('d')",
      ];
      assert.deepEqual(await texts(runtime, cells), ["", "a\n", "", "b\n", "", "c\n", "", "d\n"]);
    },
  },
  {
    name: "an error keeps what was printed before",
    async check({ runtime }) {
      const result = await runOne(runtime, "print('before')\n1/0");
      assert.deepEqual([pythonError(result).errorType, result.stdout], ["ZeroDivisionError", "before\n"]);
    },
  },
  {
    name: "Unicode, lone surrogates and broken bytes are readable",
    async check({ runtime }) {
      const printed = await texts(runtime, [
        "print('naïve 你好 🙂'); '🙂'",
        "print('\\ud800')",
        "import os\nos.write(1, b'a\\xffb\\x00c\\n');",
      ]);
      assert.deepEqual(printed, ["naïve 你好 🙂\n'🙂'\n", "\\ud800\n", "a\ufffdb\ufffdc\n"]);
    },
  },
  {
    name: "a lone surrogate in the code is an error of the code",
    async check({ runtime }) {
      const [broken, next] = await runCells(runtime, ["x = '\ud800'", "print('on')"]);
      assert.ok(broken && next);
      assert.equal(pythonError(broken).errorType, "UnicodeEncodeError");
      assert.deepEqual(facts(next), ["ok", true, "on\n"]);
    },
  },
  {
    name: "warnings are shown with their line",
    async check({ runtime }) {
      const printed = await texts(runtime, [
        "import warnings\nwarnings.warn('careful')",
        "np.array([1.0]) / 0;",
      ]);
      assert.deepEqual(printed, [
        "<cell 1>:2: UserWarning: careful\n  warnings.warn('careful')\n",
        "<cell 2>:1: RuntimeWarning: divide by zero encountered in divide\n  np.array([1.0]) / 0;\n",
      ]);
    },
  },
  {
    name: "long output keeps its two ends and says what was cut",
    async check({ runtime }) {
      const { outcome, stdout } = await runOne(
        runtime,
        "print('a' * 50_000, end='')\nprint('b' * 50_000, end='')",
      );
      assert.deepEqual(outcome, OK);
      // 500 + 500 bytes of 100 000 are kept
      assert.equal(stdout, `${"a".repeat(500)}\n[... 99000 bytes cut ...]\n${"b".repeat(500)}`);
    },
  },
  {
    name: "a flood of output ends the call, not the session",
    async check({ runtime }) {
      const [flood, next] = await runCells(runtime, ["x = 1\nwhile True: print('flood' * 1000)", "x"]);
      assert.ok(flood && next);
      assert.deepEqual(flood.outcome, { type: "outputLimit", limitBytes: maxFileBytes });
      assert.match(flood.stdout, /^(flood){100}\n\[\.\.\. 8387608 bytes cut \.\.\.\]\n/); // 8 MiB - 1000
      assert.deepEqual(facts(next), ["ok", true, "1\n"]);
    },
  },
  {
    name: "a file written is there in the next turn",
    async check({ runtime }) {
      const printed = await texts(runtime, [
        "import os\nos.makedirs('a/b'); open('a/b/note.txt', 'w').write('kept');",
        "image = Image.new('RGB', (3, 2), 'red'); image.save('red.png')",
        "print(open('a/b/note.txt').read(), Image.open('red.png').size, sorted(os.listdir('.')))",
      ]);
      assert.deepEqual(printed, ["", "", "kept (3, 2) ['a', 'red.png']\n"]);
    },
  },
];
