// The standard library where it meets the system: files in the scratch folder, threads, event loops.
import { py } from "../attacks/attack.ts";
import { type HonestProgram, program } from "./program.ts";

export const SYSTEM: readonly HonestProgram[] = [
  program(
    "files of every kind over turns",
    [
      py`
        import csv, json, pickle, gzip
        np.savez('d.npz', a=np.arange(3), b=np.eye(2)); np.save('d.npy', np.arange(4)); np.savetxt('d.txt', [[1, 2]])
        json.dump({'k': [1, None, 'ä']}, open('d.json', 'w')); pickle.dump({1: image_clue_0.size}, open('d.pkl', 'wb'))
        with open('d.csv', 'w', newline='') as f: csv.writer(f).writerows([['n', 'v'], [1, 'x,y']])
        with gzip.open('d.gz', 'wt') as f: f.write('packed')
      `,
      "",
    ],
    [
      py`
        z = np.load('d.npz'); print(z['a'], z['b'].sum(), np.load('d.npy').sum(), np.loadtxt('d.txt'))
        print(json.load(open('d.json')), pickle.load(open('d.pkl', 'rb')), list(csv.DictReader(open('d.csv'))), gzip.open('d.gz', 'rt').read())
      `,
      "[0 1 2] 2.0 6 [1. 2.]\n{'k': [1, None, 'ä']} {1: (96, 64)} [{'n': '1', 'v': 'x,y'}] packed\n",
    ],
  ),
  program("paths, copies and temporary folders", [
    py`
      import os, pathlib, shutil, tempfile
      p = pathlib.Path('out'); p.mkdir(); (p / 'a.txt').write_text('hello')
      shutil.copyfile(p / 'a.txt', p / 'b.txt'); os.rename(p / 'b.txt', p / 'c.txt')
      print(sorted(f.name for f in p.iterdir()), (p / 'c.txt').read_text(), [str(f) for f in sorted(p.glob('*.txt'))][0])
      with tempfile.TemporaryDirectory() as d:
          open(os.path.join(d, 'x'), 'w').write('1'); print(os.listdir(d))
      with tempfile.NamedTemporaryFile(suffix='.png') as f: image_clue_0.save(f, 'PNG'); f.flush(); print(Image.open(f.name).size)
      shutil.rmtree(p); print(p.exists(), os.path.exists(d))
    `,
    "['a.txt', 'c.txt'] hello out/a.txt\n['x']\n(96, 64)\nFalse False\n",
  ]),
  program("zip archives", [
    py`
      import io, zipfile
      with zipfile.ZipFile('z.zip', 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a/b.txt', 'inside' * 100)
      with zipfile.ZipFile('z.zip') as z: print(z.namelist(), len(z.read('a/b.txt'))); z.extractall('unpacked')
      print(open('unpacked/a/b.txt').read(6))
    `,
    "['a/b.txt'] 600\ninside\n",
  ]),
  program(
    "a data base over turns",
    [
      "import sqlite3\ndb = sqlite3.connect('notes.db')\ndb.execute('create table box (name text, area real)'); db.executemany('insert into box values (?, ?)', [('a', 1.5), ('b', 2.5)]); db.commit()",
      "",
    ],
    [
      "print(db.execute('select count(*), sum(area) from box').fetchone(), sqlite3.connect(':memory:').execute('select 6 * 7').fetchone())",
      "(2, 4.0) (42,)\n",
    ],
  ),
  program("threads and a pool of threads", [
    py`
      import queue, threading, time
      from concurrent.futures import ThreadPoolExecutor, as_completed
      with ThreadPoolExecutor(8) as pool: print(list(pool.map(lambda n: n * n, range(10))))
      q, lock, total = queue.Queue(), threading.Lock(), 0
      def work():
          global total
          while (n := q.get()) is not None:
              with lock: total += n
      workers = [threading.Thread(target=work) for _ in range(4)]
      for w in workers: w.start()
      for n in range(100): q.put(n)
      for _ in workers: q.put(None)
      for w in workers: w.join(timeout=60)
      print(total, threading.Event().wait(0.01))
    `,
    "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]\n4950 False\n",
  ]),
  program("an event loop", [
    py`
      import asyncio
      async def half(n):
          await asyncio.sleep(0.01)
          return n / 2
      async def main(): return await asyncio.gather(*map(half, range(4)))
      print(asyncio.run(main()))
      async def slow(): await asyncio.wait_for(asyncio.sleep(10), 0.05)
      try: asyncio.run(slow())
      except asyncio.TimeoutError: print('too slow')
      async def in_thread(): return await asyncio.to_thread(lambda: 5)
      print(asyncio.run(in_thread()))
    `,
    "[0.0, 0.5, 1.0, 1.5]\ntoo slow\n5\n",
  ]),
  program(
    "logging and contexts",
    [
      py`
        import contextlib, io, logging, sys
        logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s', stream=sys.stdout, force=True)
        logging.info('loaded'); logging.debug('hidden')
        @contextlib.contextmanager
        def section(name):
            print('<', name)
            yield name
            print(name, '>')
        with section('a') as s, contextlib.suppress(ZeroDivisionError): 1 / 0
        with contextlib.redirect_stdout(io.StringIO()) as kept: print('kept')
        print(repr(kept.getvalue()))
      `,
      "INFO loaded\n< a\na >\n'kept\\n'\n",
    ],
    ["logging.info('again')", "INFO again\n"],
  ),
  program("what the machine is like", [
    py`
      import getpass, locale, os, platform, sys
      print(platform.system() in ('Linux', 'Darwin'), os.cpu_count() >= 1, sys.version_info >= (3, 10), os.path.isdir(os.path.expanduser('~')), len(getpass.getuser()) > 0)
      print(sys.getsizeof([]) > 0, os.environ.get('HOME') is not None, os.access('.', os.W_OK), sys.getdefaultencoding())
    `,
    "True True True True True\nTrue True True utf-8\n",
  ]),
  program("copies, hashes and unique names", [
    py`
      import copy, hashlib, heapq, bisect, uuid, secrets, struct, zlib, string
      a = [[1]]; b = copy.deepcopy(a); b[0].append(2)
      print(a, b, hashlib.sha256(b'abc').hexdigest()[:8], heapq.nsmallest(2, [3, 1, 2]), bisect.bisect([1, 3, 5], 4), struct.pack('<H', 258))
      print(len(str(uuid.uuid4())), len(secrets.token_hex(4)), zlib.crc32(b'123456789') == 0xCBF43926, string.ascii_lowercase[:3])
    `,
    "[[1]] [[1, 2]] ba7816bf [1, 2] 2 b'\\x02\\x01'\n36 8 True abc\n",
  ]),
  program("an operation with a time limit of its own", [
    py`
      import signal, time
      def ring(*_): raise TimeoutError('own limit')
      old = signal.signal(signal.SIGUSR1, ring)
      try: signal.raise_signal(signal.SIGUSR1)
      except TimeoutError as e: print(e)
      finally: signal.signal(signal.SIGUSR1, old)
      x = np.random.rand(600, 600); print((x @ x).shape, np.isfinite(np.linalg.norm(x)))
    `,
    "own limit\n(600, 600) True\n",
  ]),
];
