// Which test files a run takes. Node 20's runner takes no globs, so the files are found here.
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";

// A file that hangs ends the run with its name (Node 20 and 22; 24 stops only what waits). The slowest takes some minutes.
const FILE_LIMIT_MS = 30 * 60_000;

/** How Node's runner is started, but for flags and files. */
export const RUNNER = [
  "--test",
  "--test-concurrency=2",
  "--test-reporter=spec",
  `--test-timeout=${FILE_LIMIT_MS}`,
];

/**
 * @typedef {object} Choice
 * @property {string[]} files relative to the root, sorted
 * @property {string[]} flags words that begin with a dash, for the runner
 */

/**
 * Words keep only the files whose path holds one of them; what begins with a dash is a flag. Ends the process with exit
 * code 1 when no file is left.
 * @param {{ root: string, folders: readonly string[], pattern: RegExp, args: readonly string[] }} options
 * @returns {Choice}
 */
export function chooseTestFiles({ root, folders, pattern, args }) {
  const flags = args.filter((arg) => arg.startsWith("-"));
  const words = args.filter((arg) => !arg.startsWith("-"));
  const all = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && pattern.test(entry.name))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .sort(),
  );
  const files = words.length === 0 ? all : all.filter((file) => words.some((word) => file.includes(word)));
  if (files.length > 0) return { files, flags };
  process.stderr.write(
    `No test file has ${words.map((word) => `"${word}"`).join(" or ")} in its path: give a part of a path such as ` +
      `"agent" or "parser.test.ts" (there are ${all.length} test files under ${folders.join(" and ")}).\n`,
  );
  process.exit(1);
}
