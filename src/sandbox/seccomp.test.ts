// The system call filter of a session: what it refuses to a program that means harm, and that honest programs notice nothing.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const skip = process.platform === "linux" ? false : "seccomp is Linux's own";
const python = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
const worker = fileURLToPath(new URL("./worker", import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "seccomp-"));
after(() => rmSync(dir, { recursive: true }));

// Each case in a process of its own: what its variable `result` held, or its exception, and the exit status.
const HARNESS = `
import ctypes, json, os, sys
sys.path.insert(0, ${JSON.stringify(worker)})
import seccomp
libc = ctypes.CDLL(None, use_errno=True)
def call(x86_64, aarch64, *arguments):
    """0, or the errno."""
    number = {"x86_64": x86_64, "aarch64": aarch64}[os.uname().machine]
    whole = [ctypes.c_long(a) if isinstance(a, int) else a for a in (number, *arguments)]
    return ctypes.get_errno() if libc.syscall(*whole) < 0 else 0
def attempt(case):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        names = {"call": call, "os": os, "ctypes": ctypes, "other": os.getppid()}
        try:
            if case["filter"] != "none":
                seccomp.install(os.getpid(), paths_may_change=case["filter"] == "paths may change")
            exec(case["code"], names)
            answer = names.get("result")
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as file:
        text = file.read()
    return [json.loads(text) if text else None, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]
print(json.dumps([attempt(case) for case in json.load(sys.stdin)]))
`;
type Filter = "none" | "paths may change" | "paths are fixed";
type Answer = [result: unknown, status: number];

function attempt(codes: readonly string[], filter: Filter): Answer[] {
  const input = JSON.stringify(codes.map((code) => ({ code, filter })));
  const env = { ...process.env, TMPDIR: dir, MPLBACKEND: "Agg", OPENBLAS_NUM_THREADS: "2" };
  return JSON.parse(String(execFileSync(python, ["-c", HARNESS], { cwd: dir, input, env }))) as Answer[];
}

/** Runs one program and returns what it left in `result`. */
function result(code: string, filter: Filter = "paths may change"): unknown {
  const [[value, status] = [undefined, -1]] = attempt([code], filter);
  assert.equal(status, 0, code);
  return value;
}

const EPERM = 1;
const ENOSYS = 38;
const EOPNOTSUPP = 95;

/** Name, numbers, arguments and answer; the unfiltered kernel answers otherwise to any user (no or another error). */
const REFUSED: readonly [name: string, x86_64: number, aarch64: number, args: string, answer?: number][] = [
  ["memfd_create", 319, 279, "b'x', 0"],
  ["memfd_secret", 447, 447, "0xffff"],
  ["shmget", 29, 194, "0, 4096, 0o1600"],
  ["semget", 64, 190, "0, 1, 0o1600"],
  ["msgget", 68, 186, "0, 0o1600"],
  ["mq_open", 240, 180, "b'/x', 0o100, 0o600, 0"],
  ["socket (Unix)", 41, 198, "1, 1, 0"],
  ["socket (TCP)", 41, 198, "2, 1, 0"],
  ["connect", 42, 203, "-1, b'x' * 16, 16"],
  ["bind", 49, 200, "-1, b'x' * 16, 16"],
  ["listen", 50, 201, "-1, 1"],
  ["accept4", 288, 242, "-1, 0, 0, 0"],
  ["setsockopt", 54, 208, "-1, 1, 2, b'1234', 4"],
  ["io_uring_setup", 425, 425, "1, b'x' * 120"],
  ["add_key", 248, 217, "b'user', b'x', b'y', 1, 0"],
  ["ptrace", 101, 117, "0, 0, 0, 0"],
  ["process_vm_readv", 310, 270, "os.getpid(), 0, 0, 0, 0, 0"],
  ["pidfd_open", 434, 434, "os.getpid(), 0"],
  ["pidfd_send_signal", 424, 424, "-1, 0, 0, 0"],
  ["personality", 135, 92, "0xffffffff"],
  ["inotify_init1", 294, 26, "0"],
  ["splice", 275, 76, "-1, 0, -1, 0, 1, 0"],
  ["tee", 276, 77, "-1, -1, 1, 0"],
  ["vmsplice", 278, 75, "-1, 0, 0, 0"],
  ["timer_create", 222, 107, "99, 0, 0"],
  ["setsid", 112, 157, ""],
  ["sched_setscheduler", 144, 119, "0, 0, b'\\0' * 4"],
  ["setpriority", 141, 140, "0, 0, 19"],
  ["setns", 308, 268, "-1, 0"],
  ["seccomp", 317, 277, "2, 0, ctypes.byref(ctypes.c_uint32(0x7fff0000))"],
  ["landlock_create_ruleset", 444, 444, "0, 8, 0"],
  ["openat2", 437, 437, "-100, b'.', b'\\0' * 24, 24"],
  ["fsopen", 430, 430, "0, 0"],
  ["execveat", 322, 281, "-1, b'x', 0, 0, 0"],
  ["tkill (itself, no signal)", 200, 130, "os.getpid(), 0"],
  ["kill (0: the group, no signal)", 62, 129, "0, 0"],
  ["kill (another, no signal)", 62, 129, "other, 0"],
  ["tgkill (another, no signal)", 234, 131, "other, other, 0"],
  ["rt_tgsigqueueinfo (another)", 297, 240, "other, other, 0, b'\\0' * 8 + b'\\xff' * 4 + b'\\0' * 116"],
  ["sched_setaffinity (another)", 203, 122, "other, 0, b''"],
  ["prlimit64 (another)", 302, 261, "other, 99, 0, 0"],
  ["socketpair of datagrams", 53, 199, "1, 2, 0, (ctypes.c_int * 2)()"],
  ["socketpair TIPC", 53, 199, "30, 1, 0, (ctypes.c_int * 2)()"],
  ["sendto out of band", 44, 206, "-1, b'x', 1, 1, 0, 0"],
  ["sendmsg out of band", 46, 211, "-1, 0, 1"],
  ["recvfrom out of band", 45, 207, "-1, 0, 0, 1, 0, 0"],
  ["recvmsg out of band", 47, 212, "-1, 0, 1"],
  ["ioctl FIOSETOWN", 16, 29, "1, 0x8901, ctypes.byref(ctypes.c_int(0))"],
  ["ioctl TIOCSTI with a high half", 16, 29, "1, 0x100005412, b'x'"],
  ["fcntl F_SETOWN", 72, 25, "os.pipe()[0], 8, 0"],
  ["fcntl F_SETSIG", 72, 25, "os.pipe()[0], 10, 0"],
  ["fcntl F_SETOWN_EX", 72, 25, "os.pipe()[0], 15, b'\\0' * 8"],
  ["fcntl F_NOTIFY", 72, 25, "1, 1026, 0"],
  ["fcntl F_SETLEASE", 72, 25, "1, 1024, 2"],
  ["prctl PR_SET_DUMPABLE", 157, 167, "4, 1, 0, 0, 0"],
  ["prctl PR_SET_PDEATHSIG", 157, 167, "1, 0, 0, 0, 0"],
  ["clone3", 435, 435, "0, 0", ENOSYS],
  ["copy_file_range", 326, 285, "0, 0, -1, 0, 1, 0", 18],
  ["listxattr", 194, 11, "b'/no/such', 0, 0", EOPNOTSUPP],
  ["setxattr", 188, 5, "b'/no/such', b'user.x', b'', 0, 0"],
];
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

test("another machine is refused by name", { skip }, () => {
  assert.match(
    String(result("import seccomp; seccomp.program('riscv64', 1, True)", "none")),
    /^NotImplementedError: the system call filter knows x86_64 and aarch64, not riscv64/,
  );
});

// The filter of the machine that is not at hand can only be read: an interpreter of the instructions, from their definition.
const EVALUATE = `
import struct
import seccomp
def verdict(machine, number, arguments=(), paths=True, arch=None, pid=7):
    code = seccomp.program(machine, pid, paths)
    steps = [struct.unpack_from("HBBI", code, at) for at in range(0, len(code), 8)]
    arch = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine] if arch is None else arch
    data = struct.pack("<IIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    at = a = 0
    while True:
        op, yes, no, k = steps[at]
        at += 1
        if op == 0x20: a = struct.unpack_from("<I", data, k)[0]
        elif op == 0x54: a &= k
        elif op == 0x05: at += k
        elif op == 0x15: at += yes if a == k else no
        elif op == 0x35: at += yes if a >= k else no
        elif op == 0x06: return k
        else: raise ValueError(op)
`;
const [ALLOW, KILL, REFUSE] = [0x7fff0000, 0x80000000, 0x50001];
const ON_AARCH64: readonly [call: string, expected: number][] = [
  ["0, arch=0x40000028", KILL], // 32-bit ARM
  ["63", ALLOW], // read
  ["222", ALLOW], // mmap
  ["98", ALLOW], // futex
  ["128", ALLOW], // restart_syscall
  ["221", REFUSE], // execve
  ["97", REFUSE], // unshare
  ["40", REFUSE], // mount
  ["280", REFUSE], // bpf
  ["282", REFUSE], // userfaultfd
  ["220, [0x3d0f00]", ALLOW], // clone, as glibc makes a thread
  ["220, [0x7d0f00]", ALLOW], // and musl
  ["220, [0x1200011]", REFUSE], // as glibc forks
  ["220, [0x4111]", REFUSE], // as vfork
  ["220, [0x103d0f00]", REFUSE], // a thread in a new user namespace
  ["129, [7, 9]", ALLOW], // kill
  ["129, [8, 9]", REFUSE],
  ["129, [2**64 - 1, 9]", REFUSE],
  ["131, [7, 9]", ALLOW], // tgkill
  ["29, [1, 0x5451]", ALLOW], // ioctl FIOCLEX
  ["29, [1, 0x5412]", REFUSE], // TIOCSTI
  ["56, [0, 0, 0x200]", ALLOW], // openat: O_TRUNC for reading
  ["56, [0, 0, 0x200], paths=False", REFUSE],
  ["56, [0, 0, 0x241], paths=False", ALLOW], // for writing
  ["52", REFUSE], // fchmod
  ["88, [3, 0, 0, 0]", REFUSE], // utimensat without a path
  ["88, [3, 4096, 0, 0]", ALLOW],
  ["88, [3, 4096, 0, 0x1000]", REFUSE], // AT_EMPTY_PATH
  ["88, [3, 4096, 0, 0], paths=False", REFUSE],
  ["54, [3, 4096, 0, 0, 0]", ALLOW], // fchownat
  ["54, [3, 4096, 0, 0, 0x1000]", REFUSE],
  ["5000", REFUSE],
  ["0xffffffff", REFUSE],
];
test("the aarch64 filter decides as the x86_64 one", { skip }, () => {
  const cases = ON_AARCH64.map(([call, expected]): [string, number] => [`"aarch64", ${call}`, expected]);
  for (const [name, x86, arm, , answer = EPERM] of REFUSED)
    if (!/[ (]/.test(name))
      // the others are decided by their arguments
      cases.push([`"x86_64", ${x86}`, 0x50000 | answer], [`"aarch64", ${arm}`, 0x50000 | answer]);
  cases.push(['"x86_64", 0, arch=0x40000003', KILL], ['"x86_64", 0x40000000', KILL]); // i386, x32
  const calls = cases.map(([call]) => `verdict(${call})`);
  assert.deepEqual(
    result(`${EVALUATE}\nresult = [${calls.join(", ")}]`, "none"),
    cases.map(([, expected]) => expected),
  );
});

const HEADERS = {
  x86_64: "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
  aarch64: "/usr/include/asm-generic/unistd.h",
};
for (const [column, [machine, path]] of Object.entries(HEADERS).entries())
  test(`numbers of ${machine} are the kernel's`, { skip: existsSync(path) ? false : `needs ${path}` }, () => {
    const numbers = new Map<string, string>();
    const text = readFileSync(path, "utf8");
    for (const [, name = "", value = ""] of text.matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gm))
      if (!numbers.has(name)) numbers.set(name, value);
    // 64-bit names of calls that differ by word width.
    for (const [, name = "", other = ""] of text.matchAll(/^#define __NR_(\w+)\s+__NR3264_(\w+)$/gm))
      if (!numbers.has(name) && numbers.has(other)) numbers.set(name, numbers.get(other) ?? "");
    const ours = result(
      `import syscalls
result = {n: v[${column}] for group in vars(syscalls).values() if isinstance(group, dict) for n, v in group.items() if isinstance(v, tuple)}`,
      "none",
    ) as Record<string, number | null>;
    let compared = 0;
    for (const [name, number] of Object.entries(ours)) {
      const theirs = numbers.get(name);
      if (theirs === undefined) {
        // Newer than the header, or never there: then its number is missing in the table or beyond the header's last.
        const last = Math.max(...[...numbers.values()].map(Number).filter((value) => value < 1000));
        assert.ok(number === null || number > last, `${name}: ${number} is not in ${path}`);
        continue;
      }
      assert.equal(number, Number(theirs), name);
      compared++;
    }
    assert.ok(compared > 120, `${compared} compared`);
  });
