// The numbers behind the filter: those of the kernel's headers, and a filter for the machine that is not at hand.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { EPERM, REFUSED, result, skip } from "./testSeccomp.ts";

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
