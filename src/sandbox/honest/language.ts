// Python as it is written in notebooks: classes, closures over turns, text, errors that are met.
import { py } from "../attacks/attack.ts";
import { type HonestProgram, program } from "./program.ts";

export const LANGUAGE: readonly HonestProgram[] = [
  program("a main block", [
    "def main():\n    print('main', __name__)\n\nif __name__ == '__main__':\n    main()",
    "main __main__\n",
  ]),
  program(
    "classes, dataclasses and properties over turns",
    [
      py`
        from dataclasses import dataclass, field, asdict
        from enum import Enum
        class Side(Enum):
            LEFT = 1
            RIGHT = 2
        @dataclass(order=True)
        class Box:
            x: int
            y: int
            tags: list = field(default_factory=list)
            @property
            def area(self): return self.x * self.y
      `,
      "",
    ],
    [
      "boxes = sorted([Box(3, 2), Box(1, 9, ['a'])])\nprint(boxes[0], boxes[1].area, asdict(boxes[0]), Side(2).name)",
      "Box(x=1, y=9, tags=['a']) 6 {'x': 1, 'y': 9, 'tags': ['a']} RIGHT\n",
    ],
  ),
  program(
    "generators, closures and decorators over turns",
    [
      py`
        def counter():
            n = 0
            def step():
                nonlocal n
                n += 1
                return n
            return step
        step = counter()
        def numbers():
            yield from range(3)
        stream = numbers()
        import functools
        def twice(f):
            @functools.wraps(f)
            def inner(*a): return 2 * f(*a)
            return inner
        @twice
        def add(a, b): return a + b
        print(step(), next(stream))
      `,
      "1 0\n",
    ],
    ["print(step(), next(stream), add(1, 2), add.__name__)", "2 1 6 add\n"],
  ),
  program(
    "the last expression is shown",
    ["x = [1, 2]\nx", "[1, 2]\n"],
    ["x.append(3)\n{'n': len(x)}", "{'n': 3}\n"],
    ["x;", ""],
    ["None", ""],
  ),
  program("errors that are caught, warnings that are shown", [
    py`
      import warnings
      try: {}['k']
      except KeyError as e: print('no', e)
      finally: print('after')
      with warnings.catch_warnings(record=True) as seen:
          warnings.simplefilter('always'); warnings.warn('careful')
      print(len(seen), seen[0].message)
      with np.errstate(divide='ignore'): print(np.log(0.0))
    `,
    "no 'k'\nafter\n1 careful\n-inf\n",
  ]),
  program("Unicode text, formats and regular expressions", [
    py`
      import re, textwrap, unicodedata
      text = 'Größe: 12 µm, Ähre, 日本語, 🙂'
      print(text.upper(), len(text), f'{3.14159:.2f} {42:>5} {1e6:,.0f} {"ä":*^5}')
      print(re.findall(r'\d+', text), re.sub(r'(\w+): (\d+)', r'\2=\1', text)[:8], unicodedata.normalize('NFD', 'ä') == 'a\u0308')
      print(textwrap.fill('one two three', 8).split('\n'))
    `,
    "GRÖSSE: 12 ΜM, ÄHRE, 日本語, 🙂 26 3.14    42 1,000,000 **ä**\n['12'] 12=Größe True\n['one two', 'three']\n",
  ]),
  program("dates and times", [
    py`
      from datetime import datetime, timedelta, timezone
      from zoneinfo import ZoneInfo
      import time, calendar
      d = datetime(2024, 2, 28, 12, tzinfo=timezone.utc) + timedelta(days=2)
      print(d.isoformat(), d.strftime('%A %d'), (datetime(2024, 3, 1) - datetime(2024, 2, 1)).days, calendar.isleap(2024))
      t = time.perf_counter(); time.sleep(0.01); print(0.005 < time.perf_counter() - t < 60, time.time() > 1.7e9)
    `,
    "2024-03-01T12:00:00+00:00 Friday 01 29 True\nTrue True\n",
  ]),
  program("printing in every way", [
    "import sys, pprint\nprint('a', 'b', sep='-', end='!\\n'); sys.stdout.write('w\\n'); print('e', file=sys.stderr); pprint.pprint({'k': [1, 2]})\nprint(*range(3), flush=True)",
    "a-b!\nw\ne\n{'k': [1, 2]}\n0 1 2\n",
  ]),
  program("comprehensions, match and walrus", [
    py`
      def kind(v):
          match v:
              case {'type': t}: return t
              case [first, *_]: return f'list of {first}'
              case _: return 'other'
      print([kind(v) for v in ({'type': 'x'}, [7, 8], 3)], {n: n * n for n in range(3)}, [y for x in range(4) if (y := x * 2) > 2])
    `,
    "['x', 'list of 7', 'other'] {0: 0, 1: 1, 2: 4} [4, 6]\n",
  ]),
];
