// `npm test`: set-up, then Node's test runner over every test file. Node 20 takes no globs, so the files are found here.
// Words after `--` keep only the files whose path holds one of them; what begins with a dash goes to the runner.
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { launch } from "./launch.mjs";
import { projectRoot, setupOrExit } from "./setup.mjs";

const FOLDERS = ["src", "scripts"];

/** @param {string} folder @returns {string[]} */
function testFilesIn(folder) {
  return readdirSync(join(projectRoot, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.test\.(ts|mjs)$/.test(entry.name))
    .map((entry) => relative(projectRoot, join(entry.parentPath, entry.name)))
    .sort();
}

const args = process.argv.slice(2);
const flags = args.filter((arg) => arg.startsWith("-"));
const words = args.filter((arg) => !arg.startsWith("-"));
const all = FOLDERS.flatMap(testFilesIn);
const chosen = words.length === 0 ? all : all.filter((file) => words.some((word) => file.includes(word)));
if (chosen.length === 0) {
  process.stderr.write(
    `No test file has ${words.map((word) => `"${word}"`).join(" or ")} in its path: give a part of a path such as ` +
      `"agent" or "parser.test.ts" (there are ${all.length} test files under ${FOLDERS.join(" and ")}).\n`,
  );
  process.exit(1);
}
await setupOrExit();
const runner = ["--test", "--test-concurrency=2", "--test-reporter=spec", ...flags];
await launch([...runner, ...chosen], { cwd: projectRoot });
