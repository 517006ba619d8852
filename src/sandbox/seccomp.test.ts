// The system call filter of a session: what it refuses to a program that means harm, and that honest programs notice nothing.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { attempt, dir, EPERM, python, REFUSED, result, skip } from "./testSeccomp.ts";

test("refused calls fail with their error, and only because of the filter", { skip }, () => {
  const codes = REFUSED.map(([, x86, arm, args]) => `result = call(${x86}, ${arm}, ${args})`);
  const [without, within] = [attempt(codes, "none"), attempt(codes, "paths may change")];
  for (const [index, [name, , , , answer = EPERM]] of REFUSED.entries()) {
    assert.deepEqual(within[index], [answer, 0], name);
    assert.notEqual(without[index]?.[0], answer, `${name} is refused without the filter`);
  }
});

const x64 = skip || (process.arch === "x64" ? false : "only x86_64 has i386 and x32 calls");
test("calls of another architecture or of x32 end the process", { skip: x64 }, () => {
  // mov eax, 20 (getpid of i386); int 0x80; ret. Kernels without i386 calls answer with SIGSEGV.
  const i386 = `import mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes.fromhex("b814000000cd80c3"))
result = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()`;
  const [x32, int80] = attempt(["result = call(0x40000000 + 39, 0)", i386], "paths may change");
  assert.deepEqual(x32, [null, -31]);
  assert.ok(int80?.[0] === null && [-31, -11].includes(int80[1]), JSON.stringify(int80));
});

test("no new process, by any way Python has", { skip }, () => {
  const ways = [
    "os.fork()",
    "os.forkpty()",
    "import subprocess; subprocess.run(['true'])",
    "import subprocess; subprocess.run('true', shell=True, close_fds=False)",
    "os.posix_spawn('/bin/true', ['true'], {})",
    "os.execv('/bin/true', ['true'])",
    "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
    "import multiprocessing as m; m.get_context('spawn').Process(target=print).start()",
  ];
  for (const [index, answer] of attempt(ways, "paths may change").entries())
    assert.match(String(answer[0]), /^PermissionError: \[Errno 1\]/, ways[index]);
  assert.notEqual(result("result = os.system('true')"), 0);
  // What glibc asks for to make a thread, and a new network namespace with it.
  assert.equal(result("result = call(56, 220, 0x3d0f00 | 0x40000000, 0, 0, 0, 0)"), EPERM);
});

test("signals reach the process itself and nobody else", { skip }, () => {
  assert.deepEqual(attempt(["os.kill(os.getpid(), 9)"], "paths may change"), [[null, -9]]);
  assert.deepEqual(attempt(["os.abort()"], "paths may change"), [[null, -6]]);
  assert.deepEqual(attempt(["os.killpg(0, 9)", "os.kill(other, 9)", "os.kill(-1, 9)"], "paths may change"), [
    ["PermissionError: [Errno 1] Operation not permitted", 0],
    ["PermissionError: [Errno 1] Operation not permitted", 0],
    ["PermissionError: [Errno 1] Operation not permitted", 0],
  ]);
});

const HONEST: readonly [name: string, code: string][] = [
  [
    "numpy",
    "import numpy as np; a = np.ones((300, 300)); assert (a @ a)[0, 0] == 300; np.linalg.svd(a); np.save('a.npy', a); np.load('a.npy', mmap_mode='r').sum()",
  ],
  [
    "matplotlib",
    "import matplotlib.pyplot as plt; f, a = plt.subplots(); a.plot([1, 2]); a.set_title('$x^2$'); f.canvas.draw(); f.savefig('f.png')",
  ],
  [
    "Pillow",
    "from PIL import Image; i = Image.effect_noise((99, 99), 50)\nfor kind in ('png', 'jpg', 'webp', 'tiff', 'gif'): i.save('p.' + kind); Image.open('p.' + kind).load()",
  ],
  [
    "threads",
    "import threading\nfrom concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool: assert sum(pool.map(abs, range(50))) == 1225\nt = threading.Thread(target=int, name='x'); t.start(); t.join()",
  ],
  [
    "asyncio",
    "import asyncio\nasync def f():\n  await asyncio.sleep(0.01)\n  return await asyncio.to_thread(lambda: 42)\nassert asyncio.run(f()) == 42",
  ],
  [
    "streams of asyncio",
    "import asyncio, socket\nasync def f():\n  a, b = socket.socketpair(); r, w = await asyncio.open_connection(sock=a); w.writelines([b'x', b'y']); await w.drain(); b.settimeout(1); assert b.recv(9) == b'xy'; w.close(); await w.wait_closed()\nasyncio.run(f())",
  ],
  [
    "tempfile",
    "import tempfile\nwith tempfile.TemporaryDirectory() as d, tempfile.NamedTemporaryFile(dir=d) as f, tempfile.TemporaryFile() as g: f.write(b'x'); g.write(b'y')",
  ],
  [
    "shutil",
    "import shutil; open('s', 'w').write('x' * 9999); shutil.copyfile('s', 's2'); assert os.stat('s2').st_size == 9999; os.makedirs('d/e'); open('d/e/f', 'w'); shutil.move('d', 'd2'); shutil.make_archive('z', 'gztar', 'd2'); shutil.rmtree('d2')",
  ],
  [
    "sqlite3",
    "import sqlite3; c = sqlite3.connect('q.db'); c.execute('pragma journal_mode=wal'); c.execute('create table t(a)'); c.executemany('insert into t values(?)', [(i,) for i in range(9)]); c.commit(); c.close(); os.remove('q.db')",
  ],
  [
    "zipfile",
    "import zipfile\nwith zipfile.ZipFile('z.zip', 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a', 'b')\nzipfile.ZipFile('z.zip').extractall('zz')",
  ],
  [
    "signals and timers",
    "import signal, threading, time; n = []; take = lambda *_: n.append(1); signal.signal(signal.SIGALRM, take); signal.signal(signal.SIGUSR1, take); signal.setitimer(signal.ITIMER_REAL, 0.01); time.sleep(0.03); os.kill(os.getpid(), signal.SIGUSR1); signal.raise_signal(signal.SIGUSR1); signal.pthread_kill(threading.get_ident(), signal.SIGUSR1); assert len(n) == 4",
  ],
  [
    "memory and callbacks of C",
    "import mmap; m = mmap.mmap(-1, 1 << 16); m.resize(1 << 17); f = open('m', 'w+b'); f.truncate(8192); m = mmap.mmap(f.fileno(), 0); m[0] = 1; m.flush(); C = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)); a = (ctypes.c_int * 3)(3, 1, 2); ctypes.CDLL(None).qsort(a, 3, 4, C(lambda p, q: p[0] - q[0])); assert list(a) == [1, 2, 3]",
  ],
  [
    "the rest of the standard library",
    "import select, platform, random, uuid, pathlib, glob, resource, gc; select.epoll().poll(0); platform.platform(); random.SystemRandom().random(); uuid.uuid4(); os.sched_setaffinity(0, os.sched_getaffinity(0)); pathlib.Path('p').write_text('1'); glob.glob('*'); list(os.walk('.')); resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); gc.collect(); open('p').isatty()",
  ],
  [
    "video",
    "import av, numpy as np\nwith av.open('v.mp4', 'w') as out:\n  s = out.add_stream('mpeg4', rate=10); s.width = s.height = 64; s.pix_fmt = 'yuv420p'\n  for n in range(5): out.mux(s.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), n, 'u1'), format='rgb24')))\n  out.mux(s.encode(None))\nwith av.open('v.mp4') as c: assert len(list(c.decode(video=0))) == 5",
  ],
];
for (const filter of ["paths may change", "paths are fixed"] as const)
  test(`honest programs notice nothing: ${filter}`, { skip }, () => {
    for (const [index, answer] of attempt(
      HONEST.map(([, code]) => code),
      filter,
    ).entries())
      assert.deepEqual(answer, [null, 0], HONEST[index]?.[0]);
  });

const onX86 = process.arch === "x64";

test(
  "mode, owner and times change only by path and where paths may, and so does what is truncated unasked",
  { skip },
  () => {
    const prepare = "open('f', 'w').write('abc'); os.chmod('f', 0o640); fd = os.open('f', os.O_RDONLY)";
    execFileSync(python, ["-c", `import os; ${prepare}`], { cwd: dir });
    // The descriptor of a video is the user's own file: one that reads is enough to change its mode.
    const byDescriptor = [
      "os.fchmod(os.open('f', 0), 0o600)",
      "os.fchown(os.open('f', 0), -1, os.getgid())",
      "os.utime(os.open('f', 0), (1, 1))",
      "call(280, ctypes.c_long(os.open('f', 0)), b'', 0, ctypes.c_long(0x1000))", // utimensat, AT_EMPTY_PATH
      "call(260, ctypes.c_long(os.open('f', 0)), b'', -1, -1, ctypes.c_long(0x1000))", // fchownat
      "call(452, ctypes.c_long(os.open('f', 0)), b'', 0o600, ctypes.c_long(0x1000))", // fchmodat2
    ].map(
      (change) =>
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n" +
        "def call(*args):\n    if libc.syscall(*args) < 0: raise OSError(ctypes.get_errno(), 'no')\n" +
        change,
    );
    const changes = [
      "os.chmod('f', 0o600)",
      "os.utime('f')",
      "os.chown('f', -1, os.getgid())",
      "os.truncate('f', 1)",
      "os.open('f', os.O_RDONLY | os.O_TRUNC)",
      "os.open('f', 3 | os.O_TRUNC)",
      "import shutil; shutil.copy('f', 'g')",
    ];
    for (const filter of ["paths are fixed", "paths may change"] as const)
      for (const [index, answer] of attempt(
        onX86 ? byDescriptor : byDescriptor.slice(0, 3),
        filter,
      ).entries())
        assert.match(String(answer[0]), /^PermissionError: \[Errno 1\]/, byDescriptor[index]);
    for (const [index, answer] of attempt(changes, "paths are fixed").entries())
      assert.match(String(answer[0]), /^PermissionError: \[Errno 1\]/, changes[index]);
    assert.equal(readFileSync(join(dir, "f"), "utf8"), "abc");
    const own = "open('h', 'w').write('abc'); open('h', 'r+').truncate(2); result = os.stat('h').st_size";
    assert.equal(result(own, "paths are fixed"), 2);
    for (const [index, answer] of attempt(changes, "paths may change").entries())
      assert.deepEqual(answer, [null, 0], changes[index]);
  },
);
