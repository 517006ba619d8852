// Landlock as the session's view of the machine's files: what lies outside is neither read, written nor changed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const python = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
const worker = fileURLToPath(new URL("./worker", import.meta.url));
const dir = realpathSync(mkdtempSync(join(tmpdir(), "landlock-")));
after(() => rmSync(dir, { recursive: true }));
for (const [folder, text] of [
  ["read", "readable"],
  ["write", "own"],
  ["outside", "secret"],
] as const) {
  mkdirSync(join(dir, folder));
  writeFileSync(join(dir, folder, "file"), text);
}
writeFileSync(join(dir, "single"), "one file");

// Each case in a process of its own, restricted as by a kernel of the given version at most (null: as it is).
const HARNESS = `
import json, os, sys
sys.path.insert(0, ${JSON.stringify(worker)})
import landlock
def attempt(case):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        names = {"os": os, "other": os.getppid()}
        try:
            if case["version"] is not None:
                version = landlock.supported()
                landlock.supported = lambda: min(version, case["version"])
            if case["restricted"]:
                system = [path for path in ("/usr", "/lib", "/lib64", sys.prefix, sys.base_prefix) if os.path.exists(path)]
                landlock.restrict([*system, "read", "single"], ["write"])
            exec(case["code"], names)
            answer = names.get("result")
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as file:
        text = file.read()
    os.waitpid(pid, 0)
    return json.loads(text)
print(json.dumps([attempt(case) for case in json.load(sys.stdin)]))
`;
interface How {
  readonly restricted?: boolean;
  readonly version?: number;
}
/** Runs the programs and returns what each left in `result`, or its exception. */
function attempt(codes: readonly string[], { restricted = true, version }: How = {}): unknown[] {
  const input = JSON.stringify(codes.map((code) => ({ code, restricted, version: version ?? null })));
  return JSON.parse(String(execFileSync(python, ["-c", HARNESS], { cwd: dir, input }))) as unknown[];
}

const QUERY = "import landlock; result = landlock.supported()";
const abi = process.platform === "linux" ? Number(attempt([QUERY], { restricted: false })[0]) : 0;
const skip = abi > 0 ? false : "the kernel has no Landlock";
const needs = (version: number): string | false =>
  abi >= version ? false : `needs version ${version} of Landlock, the kernel has ${abi}`;

const DENIED: readonly string[] = [
  "open('outside/file')",
  "os.listdir('outside')",
  "os.listdir('.')",
  "open('/etc/passwd')",
  "open('/proc/self/environ')",
  `open('${dir}/write/../outside/file')`,
  "os.symlink('../outside/file', 'write/link'); open('write/link')",
  "open('outside/file', 'a')",
  "open('outside/new', 'w')",
  "os.mkdir('outside/new')",
  "os.remove('outside/file')",
  "os.rename('outside/file', 'outside/other')",
  "open('read/file', 'a')",
  "open('read/new', 'w')",
  "os.symlink('x', 'read/new')",
  "os.remove('read/file')",
  "open('single', 'a')",
  "os.mkfifo('write/pipe')",
  "import socket; socket.socket(socket.AF_UNIX).bind('write/socket')",
  "os.execv('/bin/true', ['true'])",
];
for (const version of new Set([1, 2, 3, 5, abi]))
  test(`files outside are out of reach: version ${version}`, { skip: skip || needs(version) }, () => {
    for (const [index, answer] of attempt(DENIED, { version }).entries())
      assert.match(String(answer), /^PermissionError: \[Errno 13\]/, DENIED[index]);
    rmSync(join(dir, "write", "link"));
    assert.equal(readFileSync(join(dir, "read", "file"), "utf8"), "readable");
    assert.equal(readFileSync(join(dir, "outside", "file"), "utf8"), "secret");
  });

test("what is inside is read and written as ever", { skip }, () => {
  assert.deepEqual(
    attempt([
      "result = open('read/file').read() + ', ' + open('single').read() + str(os.listdir('read'))",
      "f = open('write/file', 'r+'); f.write('OWN'); f.truncate(2); f.close(); result = open('write/file').read()",
      "os.mkdir('write/d'); open('write/d/a', 'w').close(); os.rename('write/d/a', 'write/d/b'); os.symlink('b', 'write/d/c'); import shutil; shutil.rmtree('write/d')",
      // Shared libraries are mapped executable.
      "import numpy, _ctypes, sqlite3; result = int(numpy.dot([1, 2], [3, 4]))",
    ]),
    ["readable, one file['file']", "OW", null, 11],
  );
});

test("a file gains no rights by another name", { skip: needs(2) }, () => {
  const [linked, moved, inside] = attempt([
    "os.link('read/file', 'write/linked')",
    "os.rename('read/file', 'write/moved')",
    "os.mkdir('write/sub'); open('write/x', 'w').close(); os.rename('write/x', 'write/sub/x'); result = os.listdir('write/sub')",
  ]);
  assert.match(String(linked), /^(OSError: \[Errno 18\]|PermissionError: \[Errno 13\])/);
  assert.match(String(moved), /^(OSError: \[Errno 18\]|PermissionError: \[Errno 13\])/);
  assert.deepEqual(inside, ["x"]);
});

test("no file is truncated without the right to", { skip: needs(3) }, () => {
  for (const answer of attempt([
    "os.truncate('read/file', 0)",
    "os.open('read/file', os.O_RDONLY | os.O_TRUNC)",
  ]))
    assert.match(String(answer), /^PermissionError/);
  assert.equal(readFileSync(join(dir, "read", "file"), "utf8"), "readable");
});

test("no TCP, neither to a listening port nor to offer one", { skip: needs(4) }, async () => {
  const server = createServer().listen(0, "127.0.0.1");
  try {
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const codes = [
      `import socket; socket.create_connection(('127.0.0.1', ${port})).close(); result = 'connected'`,
      "import socket; socket.socket().bind(('127.0.0.1', 0)); result = 'bound'",
    ];
    assert.deepEqual(attempt(codes, { restricted: false }), ["connected", "bound"]);
    for (const answer of attempt(codes)) assert.match(String(answer), /^PermissionError: \[Errno 13\]/);
  } finally {
    server.close();
  }
});

test("no signal to a process outside, no abstract socket there", { skip: needs(6) }, () => {
  assert.deepEqual(attempt(["os.kill(other, 0)", "os.kill(os.getpid(), 0)"]), [
    "PermissionError: [Errno 1] Operation not permitted",
    null,
  ]);
  const socket = `import socket, landlock
listener = socket.socket(socket.AF_UNIX); listener.bind("\\0${dir}"); listener.listen()
RESTRICT
socket.socket(socket.AF_UNIX).connect("\\0${dir}")`;
  const codes = [socket.replace("RESTRICT", ""), socket.replace("RESTRICT", "landlock.restrict([], [])")];
  assert.deepEqual(attempt(codes, { restricted: false }), [
    null,
    "PermissionError: [Errno 1] Operation not permitted",
  ]);
});

test("without Landlock, or with a path that is not there, nothing is restricted in silence", { skip }, () => {
  const [none, missing] = attempt(
    [
      "import landlock; landlock.supported = lambda: 0; landlock.restrict([], [])",
      "import landlock; landlock.restrict(['/no/such/path'], [])",
    ],
    { restricted: false },
  );
  assert.equal(
    none,
    "OSError: [Errno 38] the kernel has no Landlock (Linux 5.13 or later, with landlock among its lsm=)",
  );
  assert.equal(missing, "FileNotFoundError: [Errno 2] No such file or directory: '/no/such/path'");
});
