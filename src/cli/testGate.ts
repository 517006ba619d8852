// Holds a process that a test starts as it is about to write down what it has done: how far it is when the test kills or stops it
// is no matter of how fast anybody is.

/**
 * A word of node's command line, or of NODE_OPTIONS: before the process appends to a file named `file`, it stands for as long
 * as `condition` is true: an expression of `path`, `text` (what is appended), `lines` (there already; one such file a process),
 * `fs`, `basename`, `dirname` and `join`.
 * @param limitMs of standing, in all; then appending fails, so that a process whose test is gone ends
 */
export function standBeforeAppending(file: string, condition: string, limitMs: number): string {
  const program = `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    import { basename, dirname, join } from "node:path";
    const append = fs.appendFileSync;
    const clock = new Int32Array(new SharedArrayBuffer(4));
    let lines, until;
    fs.appendFileSync = (path, text, ...more) => {
      if (basename(String(path)) !== ${JSON.stringify(file)}) return append(path, text, ...more);
      lines ??= fs.existsSync(path) ? fs.readFileSync(path, "utf8").split("\\n").length - 1 : 0;
      while (${condition}) {
        until ??= performance.now() + ${limitMs};
        if (performance.now() > until) throw new Error("${limitMs / 1000} s at the gate of a test that does not open it");
        Atomics.wait(clock, 0, 0, 20);
      }
      append(path, text, ...more);
      lines++;
    };
    syncBuiltinESMExports();`;
  return `--import=data:text/javascript,${encodeURIComponent(program)}`;
}
