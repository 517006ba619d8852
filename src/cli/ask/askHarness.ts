// The command `pyvision ask` as a process, in a pipe or in a terminal, for tests; and replies of a scripted chat server.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { piece, type StubAnswer, streams } from "../../engines/openai/stubServer.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const COMMAND = [process.execPath, "--import", import.meta.resolve("tsx"), path("../main.ts"), "ask"];

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** In a pipe. */
export function ask(cwd: string, ...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(COMMAND[0] as string, [...COMMAND.slice(1), ...args], { cwd }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** What the user, or the terminal itself, sends when it comes to read something. */
export type Step = readonly [expect: string, send: string];

// A terminal of 100 columns: whatever comes is kept, and each step waits for its text behind the one before.
const TERMINAL = `
import fcntl, json, os, pty, select, struct, sys, termios, time
job = json.load(sys.stdin)
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    os.chdir(job["cwd"])
    os.execvpe(job["command"][0], job["command"], {**os.environ, **job["env"]})
out, at, steps, end = b"", 0, job["steps"], time.monotonic() + 240
while time.monotonic() < end:
    if select.select([fd], [], [], 0.05)[0]:
        try: data = os.read(fd, 65536)
        except OSError: break
        if not data: break
        out += data
    while steps and (found := out.find(steps[0][0].encode(), at)) >= 0:
        at = found + len(steps[0][0].encode())
        os.write(fd, steps.pop(0)[1].encode())
else: os.kill(pid, 9)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps({"code": status, "output": out.decode(), "left": steps}))
`;

export interface TerminalEnded {
  /** Negative: the signal that ended it. */
  readonly code: number;
  readonly output: string;
  /** Steps that were not come to. */
  readonly left: readonly Step[];
}

/** In a pseudo-terminal, with its name in the environment and nothing of the one that the tests run in. */
export function askInTerminal(
  cwd: string,
  steps: readonly Step[],
  ...args: readonly string[]
): Promise<TerminalEnded> {
  const env = { TERM: "xterm-256color", TERM_PROGRAM: "", LC_TERMINAL: "" };
  // The terminal answers at once, but may have to wait for the machine.
  const job = { cwd, env, steps, command: [...COMMAND, ...args, "--terminal-wait", "240000"] };
  const { TMUX: _, STY: __, NO_COLOR: ___, KITTY_WINDOW_ID: ____, ...clean } = process.env;
  return new Promise((resolve, reject) => {
    const python = path("../../../.venv/bin/python");
    const options = { maxBuffer: 2 ** 26, env: clean };
    const child = execFile(python, ["-c", TERMINAL], options, (error, stdout) => {
      if (error !== null) reject(new Error("the terminal broke", { cause: error }));
      else resolve(JSON.parse(stdout) as TerminalEnded);
    });
    child.stdin?.end(JSON.stringify(job));
  });
}

/** A streamed reply in pieces of seven characters, of 100 prompt tokens and 10 of its own. */
export function reply(text: string): StubAnswer {
  const pieces = text.match(/[^]{1,7}/g) ?? [];
  const end = piece(undefined, { finish_reason: "stop" });
  const usage = { model: "served", choices: [], usage: { prompt_tokens: 100, completion_tokens: 10 } };
  return streams([...pieces.map((part) => piece(part)), end, usage]);
}
