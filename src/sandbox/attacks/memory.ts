// Using up memory, and computations that no limit of time is told of.
import { type Attack, ALIVE, ANY, KEPT, LIMITED, OK_OR_REFUSED, oneTurn, py, REFUSED } from "./attack.ts";

export const MEMORY: readonly Attack[] = [
  {
    name: "huge_exception",
    category: "dos",
    turns: [
      {
        run: "raise ValueError('x'*(200<<20))",
        ends: ["pythonError", "outOfMemory", "timeout"],
        says: /^$|cut|timeout/,
      },
      ALIVE,
    ],
  },
  {
    name: "memory_of_numpy",
    category: "dos",
    turns: [
      { run: "blocks = []\nwhile True: blocks.append(np.ones(1 << 24))", ends: ["outOfMemory", "timeout"] },
      ALIVE,
    ],
  },
  {
    name: "memory_of_small_objects",
    category: "dos",
    turns: [
      {
        run: "grow = [0]\nwhile True: grow += [dict(a=i) for i in range(100_000)]",
        ends: ["outOfMemory", "timeout"],
      },
      ALIVE,
    ],
  },
  {
    name: "memory_by_mmap_and_stacks",
    category: "dos",
    turns: [
      {
        run: py`
          import mmap
          n = 0
          try:
              held = []
              while n < 8192: held.append(mmap.mmap(-1, 1 << 20)); held[-1].write(b'x' * (1 << 20)); n += 1
          except (OSError, ValueError, MemoryError): pass
          print('BOUNDED' if n < 2200 else n)
          held.clear()
        `,
        ends: ["ok", "outOfMemory", "timeout"],
        prints: /^(BOUNDED\n)?$/,
      },
      ALIVE,
    ],
  },
  {
    name: "picture_of_100_gigapixels",
    category: "dos",
    turns: [{ run: "Image.new('RGB', (400_000, 250_000))", ends: ["pythonError", "outOfMemory"] }, ALIVE],
  },
  {
    name: "decompression_bombs",
    category: "dos",
    turns: [
      {
        run: py`
          import io, struct, zlib
          def chunk(kind, data): return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
          head = struct.pack('>IIBBBBB', 60_000, 60_000, 8, 0, 0, 0, 0)
          png = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(bytes(1 << 24))) + chunk(b'IEND', b'')
          Image.open(io.BytesIO(png)).load()
        `,
        ends: ["pythonError", "outOfMemory"],
      },
      {
        run: py`
          import zlib
          bomb = zlib.compress(bytes(1 << 24))
          for _ in range(9): bomb = zlib.compress(zlib.decompress(bomb) * 4)
          zlib.decompress(bomb)
        `,
        ends: ["outOfMemory", "timeout"],
      },
      ALIVE,
    ],
  },
  {
    name: "locked_memory",
    category: "dos",
    turns: oneTurn(
      "import ctypes\nlibc = ctypes.CDLL(None)\nprint('LOCKED', libc.mlockall(3) == 0)",
      [...OK_OR_REFUSED, ...LIMITED],
      { never: /LOCKED True/ },
    ),
  },
  {
    name: "deep_structures",
    category: "dos",
    turns: [
      {
        run: py`
          import ast, copy, json, pickle
          deep = []
          for _ in range(200_000): deep = [deep]
          for dig in (lambda: json.loads('[' * 1_000_000), lambda: json.dumps(deep), lambda: repr(deep), lambda: pickle.dumps(deep),
                      lambda: copy.deepcopy(deep), lambda: deep == [deep], lambda: eval('(' * 5000 + ')' * 5000), lambda: eval('-' * 100_000 + '1')):
              try: dig(); print('done')
              except (RecursionError, MemoryError, SyntaxError, ValueError) as e: print(type(e).__name__)
        `,
        ends: ANY,
      },
      ALIVE,
    ],
  },
  {
    name: "huge_power",
    category: "dos",
    turns: [{ run: "10**10**8", ends: ["timeout", "outOfMemory", ...REFUSED] }, ALIVE],
  },
  {
    name: "huge_number_in_text",
    category: "dos",
    turns: [{ run: "import sys; sys.set_int_max_str_digits(0)\nint('9' * 10**7)", ends: ["timeout"] }, ALIVE],
  },
  {
    name: "regular_expression_that_backtracks",
    category: "dos",
    turns: [
      { run: "import re\nkept = 7", ends: ["ok"] },
      { run: "re.match('(a+)+$', 'a' * 60 + 'b')", ends: ["timeout"], alive: true },
      KEPT,
    ],
  },
  {
    name: "huge_sort",
    category: "dos",
    turns: [
      {
        run: "import random\nsorted(random.random() for _ in range(10**8))",
        ends: ["timeout", "outOfMemory"],
      },
      ALIVE,
    ],
  },
];
