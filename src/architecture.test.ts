// The folders are the architecture: this test reads the import lines of every file under src/ and proves that they point
// one way. scripts/rooms.json gives the order (CONTRIBUTING.md explains it); a room imports from itself and from rooms
// before it, files never import each other in a circle, and a file that outgrows one idea has to be split.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SRC = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(SRC);
const MAX_LINES = 400;
const ROOMS = JSON.parse(readFileSync(join(ROOT, "scripts/rooms.json"), "utf8")) as string[];

/** Source text of every file, keyed by its path below src/ with forward slashes. */
const sources: ReadonlyMap<string, string> = new Map(
  readdirSync(SRC, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [relative(SRC, path).split(sep).join("/"), readFileSync(path, "utf8")]),
);

/** Matches `import … from "./x.ts"`, `export … from`, a bare `import "./x.ts"` and `import("./x.ts")`. */
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b(?:[^"';]*?\bfrom\b)?\s*["'](\.{1,2}\/[^"']+)["']|import\(\s*["'](\.{1,2}\/[^"']+)["']/g;

/** Paths below src/ that a file imports, types included: a type from upstairs ties the rooms together as well. */
function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const target = resolve(SRC, dirname(file), match[1] ?? match[2] ?? "");
    return relative(SRC, target).split(sep).join("/");
  });
}

function roomOf(file: string): string {
  return file.split("/")[0] ?? "";
}

/** Sentences about imports that point to a room which comes later in `rooms`. */
function wrongWay(files: ReadonlyMap<string, string>, rooms: readonly string[]): string[] {
  return [...files].flatMap(([file, text]) =>
    importsOf(file, text)
      .filter((target) => rooms.indexOf(roomOf(target)) > rooms.indexOf(roomOf(file)) && file.includes("/"))
      .map(
        (target) => `src/${file} imports src/${target}, but ${roomOf(file)} comes before ${roomOf(target)}`,
      ),
  );
}

/** The first circle of imports that a depth-first walk meets, as the files along it; empty when there is none. */
function firstCycle(files: ReadonlyMap<string, string>): string[] {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] => {
    const start = path.indexOf(file);
    if (start >= 0) return [...path.slice(start), file];
    if (done.has(file)) return [];
    path.push(file);
    for (const target of importsOf(file, files.get(file) ?? "")) {
      const cycle = visit(target);
      if (cycle.length > 0) return cycle;
    }
    path.pop();
    done.add(file);
    return [];
  };
  for (const file of files.keys()) {
    const cycle = visit(file);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

test("every folder of src is a known room", () => {
  const folders = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const unknown = folders.map((entry) => entry.name).filter((name) => !ROOMS.includes(name));
  assert.deepEqual(unknown, [], "add the room to scripts/rooms.json and to the table in CONTRIBUTING.md");
});

test("CONTRIBUTING.md tells the rooms in the order that is enforced", () => {
  const table = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8").matchAll(/^\| `src\/(\w+)\/`/gm);
  assert.deepEqual(
    [...table].map((row) => row[1]),
    ROOMS,
  );
});

test("the guides name only files that exist", () => {
  const missing = [
    "README.md",
    "AGENTS.md",
    "CONTRIBUTING.md",
    "docs/parity.md",
    "docs/decisions.md",
  ].flatMap((guide) =>
    [
      ...readFileSync(join(ROOT, guide), "utf8").matchAll(
        /`((?:src|scripts|configs|bench|bin)\/[\w./-]+\.\w+)`/g,
      ),
    ]
      .map((match) => match[1] ?? "")
      .filter((path) => !existsSync(join(ROOT, path)))
      .map((path) => `${guide} names ${path}`),
  );
  assert.deepEqual(missing, []);
});

test("imports point from later rooms to earlier ones only", () => {
  assert.deepEqual(wrongWay(sources, ROOMS), []);
});

test("no files import each other in a circle", () => {
  assert.deepEqual(firstCycle(sources), []);
});

test(`no file is longer than ${MAX_LINES} lines`, () => {
  const long = [...sources]
    .map(([file, text]) => ({ file, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  assert.deepEqual(long, []);
});

test("the checks themselves see an import that goes upstairs, in each of its forms", () => {
  const files = new Map([
    ["core/a.ts", 'import {\n  type B,\n} from "../tasks/b.ts";\nimport { c } from "./c.ts";\n'],
    ["core/c.ts", 'export * from "../tasks/b.ts";\n'],
    ["core/d.ts", 'const late = await import("../tasks/b.ts");\nimport "../tasks/b.ts";\n'],
    ["tasks/b.ts", 'import type { A } from "../core/a.ts";\n'],
  ]);
  assert.deepEqual(wrongWay(files, ["core", "tasks"]), [
    "src/core/a.ts imports src/tasks/b.ts, but core comes before tasks",
    "src/core/c.ts imports src/tasks/b.ts, but core comes before tasks",
    "src/core/d.ts imports src/tasks/b.ts, but core comes before tasks",
    "src/core/d.ts imports src/tasks/b.ts, but core comes before tasks",
  ]);
  assert.deepEqual(firstCycle(files), ["core/a.ts", "tasks/b.ts", "core/a.ts"]);
});

test("the checks themselves leave a diamond of imports alone", () => {
  const files = new Map([
    ["core/a.ts", 'import "./b.ts";\nimport "./c.ts";\n'],
    ["core/b.ts", 'import "./d.ts";\n'],
    ["core/c.ts", 'import "./d.ts";\n'],
    ["core/d.ts", 'export const d = "from ./a.ts";\nexport const e = "./a.ts";\n'],
  ]);
  assert.deepEqual(firstCycle(files), []);
  assert.deepEqual(wrongWay(files, ["core"]), []);
});
