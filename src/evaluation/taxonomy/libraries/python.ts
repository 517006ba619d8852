// Python's own functions, and the methods of lists and texts.
import { numberOf } from "../cell.ts";
import { elementOf, itemAt, join, list, listOf, NUMBER, NUMBERS, TEXT, UNKNOWN } from "../values.ts";
import type { List, Value } from "../values.ts";
import type { Handler, Library, Use } from "./library.ts";
import { named } from "./library.ts";

const isPixels = (value: Value | undefined): boolean =>
  value?.type === "picture" && (value.form === "pixels" || value.form === "array" || value.form === "mask");

const counts: Handler = ({ args, cell }) => {
  const [first] = args.positional;
  if (isPixels(first)) cell.add("measure");
  else cell.calculates();
  return NUMBER;
};

const extreme: Handler = ({ args, cell, apply }) => {
  const [first] = args.positional;
  const key = args.named.get("key");
  if (first !== undefined && key !== undefined) apply(key, [elementOf(first)]);
  if (args.positional.some(isPixels)) cell.add("measure");
  else cell.calculates();
  if (args.positional.length === 1 && first !== undefined && !isPixels(first)) return elementOf(first);
  return NUMBER;
};

/** Keeps what is known of a number: a size stays a multiple of a picture's. */
const rounded: Handler = ({ args }) => {
  const [value] = args.positional;
  if (value?.type !== "number") return value?.type === "picture" ? value : NUMBER;
  return value.value === undefined ? value : { ...value, value: Math.floor(value.value) };
};

const collected: Handler = ({ args, cell }) => {
  const [value] = args.positional;
  if (value === undefined) return list([]);
  if (value.type === "video") {
    cell.add("sampleFrames");
    return listOf(elementOf(value));
  }
  if (value.type === "tuple") return list(value.items);
  if (value.type === "list") return listOf(value.element);
  if (value.type === "picture") return value.form === "frames" ? listOf(elementOf(value)) : value;
  return value.type === "numbers" || value.type === "axesGrid" ? value : listOf(elementOf(value));
};

const gone = ({ cell }: Use, value: Value): Value => {
  if (value.type === "video") cell.add("sampleFrames");
  return elementOf(value);
};

export const PYTHON: Library = new Map<string, Handler>([
  ...named("len", ({ args, cell }) => {
    const [value] = args.positional;
    if (value?.type === "video") cell.add("sampleFrames");
    else if (value?.type === "picture" && value.form === "pixels") cell.add("measure");
    return NUMBER;
  }),
  ...named("sum any all", counts),
  ...named("min max", extreme),
  ...named("int float round", rounded),
  ...named("abs", ({ args }) => args.positional[0] ?? NUMBER),
  ...named("pow divmod", ({ cell }) => {
    cell.calculates();
    return NUMBERS;
  }),
  ...named("list tuple set reversed iter frozenset", collected),
  ...named("sorted", (use) => {
    const [value] = use.args.positional;
    const key = use.args.named.get("key");
    if (value !== undefined && key !== undefined) use.apply(key, [elementOf(value)]);
    use.cell.calculates();
    return collected(use);
  }),
  ...named("range", () => NUMBERS),
  ...named("enumerate", (use) => {
    const [value] = use.args.positional;
    return listOf({ type: "tuple", items: [NUMBER, gone(use, value ?? UNKNOWN)] });
  }),
  ...named("zip", (use) =>
    listOf({ type: "tuple", items: use.args.positional.map((value) => gone(use, value)) }),
  ),
  ...named("map", (use) => {
    const [target, ...sources] = use.args.positional;
    const items = sources.map((value) => gone(use, value));
    return listOf(target === undefined ? UNKNOWN : use.apply(target, items));
  }),
  ...named("filter", (use) => {
    const [target, source] = use.args.positional;
    const item = gone(use, source ?? UNKNOWN);
    if (target !== undefined) use.apply(target, [item]);
    return listOf(item);
  }),
  ...named("next", (use) => gone(use, use.args.positional[0] ?? UNKNOWN)),
  ...named("print", ({ args, cell }) => {
    if (args.positional.some(isPixels)) cell.add("measure");
    return UNKNOWN;
  }),
  ...named("str repr chr input format hex bin", () => TEXT),
  ...named("dict", () => listOf(UNKNOWN)),
  ...named("ord hash id", () => NUMBER),
]);

/** Other modules of the standard library that pictures or numbers pass through. */
export const STANDARD: Library = new Map<string, Handler>([
  ...named("copy.copy copy.deepcopy", ({ args }) => args.positional[0] ?? UNKNOWN),
  ...named("collections.Counter", counts),
  ...named("collections.deque", collected),
  ...named("math.floor math.ceil math.trunc", rounded),
  ...named("collections.defaultdict collections.OrderedDict", () => listOf(UNKNOWN)),
  ...named("itertools.chain itertools.cycle", ({ args }) =>
    listOf(args.positional.map(elementOf).reduce(join, UNKNOWN)),
  ),
  ...named("itertools.product", ({ args, cell }) => {
    cell.calculates();
    return listOf({ type: "tuple", items: args.positional.map(elementOf) });
  }),
  ...named("itertools.permutations itertools.combinations", ({ args, cell }) => {
    cell.calculates();
    return listOf(listOf(elementOf(args.positional[0] ?? UNKNOWN)));
  }),
]);

/** Modules whose functions work on numbers. */
export const isNumeric = (path: string): boolean =>
  [
    "math.",
    "cmath.",
    "random.",
    "decimal.",
    "itertools.",
    "functools.",
    "operator.",
    "heapq.",
    "bisect.",
    "datetime.",
  ].some((prefix) => path.startsWith(prefix));

export function listMethod(on: List, name: string, { args, cell, apply }: Use): Value {
  const [first, second] = args.positional;
  switch (name) {
    case "append":
    case "add":
    case "appendleft":
      add(on, first ?? UNKNOWN);
      return UNKNOWN;
    case "insert":
    case "setdefault":
      add(on, second ?? UNKNOWN);
      return on.element;
    case "extend":
    case "update":
      add(on, elementOf(first ?? UNKNOWN));
      return UNKNOWN;
    case "items":
      return listOf({ type: "tuple", items: [UNKNOWN, on.element] });
    case "keys":
      return listOf(UNKNOWN);
    case "values":
    case "copy":
      return listOf(on.element);
    case "pop":
    case "popleft":
    case "get":
    case "popitem":
      return name === "pop" && numberOf(first) !== undefined ? itemAt(on, numberOf(first) ?? 0) : on.element;
    case "sort": {
      const key = args.named.get("key");
      if (key !== undefined) apply(key, [on.element]);
      cell.calculates();
      return UNKNOWN;
    }
    case "index":
    case "count":
      cell.calculates();
      return NUMBER;
    default:
      return UNKNOWN;
  }
}

function add(on: List, item: Value): void {
  on.element = join(on.element, item);
  on.items = undefined;
}

export function textMethod(name: string, { cell }: Use): Value {
  if (name === "count" || name === "find" || name === "index" || name === "rfind") {
    cell.calculates();
    return NUMBER;
  }
  return name === "split" || name === "splitlines" ? listOf(TEXT) : TEXT;
}
