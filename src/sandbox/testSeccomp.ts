// What the tests of the system call filter share: programs run under it in a process each, and the calls it refuses.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

export const skip = process.platform === "linux" ? false : "seccomp is Linux's own";
export const python = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
const worker = fileURLToPath(new URL("./worker", import.meta.url));
export const dir = mkdtempSync(join(tmpdir(), "seccomp-"));
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
export type Filter = "none" | "paths may change" | "paths are fixed";
export type Answer = [result: unknown, status: number];

export function attempt(codes: readonly string[], filter: Filter): Answer[] {
  const input = JSON.stringify(codes.map((code) => ({ code, filter })));
  const env = { ...process.env, TMPDIR: dir, MPLBACKEND: "Agg", OPENBLAS_NUM_THREADS: "2" };
  return JSON.parse(String(execFileSync(python, ["-c", HARNESS], { cwd: dir, input, env }))) as Answer[];
}

/** Runs one program and returns what it left in `result`. */
export function result(code: string, filter: Filter = "paths may change"): unknown {
  const [[value, status] = [undefined, -1]] = attempt([code], filter);
  assert.equal(status, 0, code);
  return value;
}

export const EPERM = 1;
export const ENOSYS = 38;
export const EOPNOTSUPP = 95;

/** Name, numbers, arguments and answer; the unfiltered kernel answers otherwise to any user (no or another error). */
export const REFUSED: readonly [
  name: string,
  x86_64: number,
  aarch64: number,
  args: string,
  answer?: number,
][] = [
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
