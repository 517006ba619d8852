// A call: which library or value it goes to.
import { axesMethod, figureMethod, pyplotCall } from "./libraries/pyplot.ts";
import { arrayMethod, numpyCall } from "./libraries/numpy.ts";
import { brushMethod, looksLikePil, PIL, pilMethod } from "./libraries/pil.ts";
import { finderMethod, scientificCall } from "./libraries/scientific.ts";
import { isNumeric, listMethod, PYTHON, STANDARD, textMethod } from "./libraries/python.ts";
import { OPENCV } from "./libraries/opencv.ts";
import { subject } from "./libraries/library.ts";
import type { Use } from "./libraries/library.ts";
import { DEEPEST_CALL } from "./session.ts";
import type { Session } from "./session.ts";
import { elementOf, gridAxes, NUMBER, NUMBERS, picture, plain, UNKNOWN, VIDEO } from "./values.ts";
import type { Arguments, FunctionValue, Instance, Value } from "./values.ts";

export function call(target: Value, args: Arguments, session: Session): Value {
  const use: Use = {
    args,
    cell: session.cell,
    apply: (callback, positional) => call(callback, { positional, named: new Map() }, session),
  };
  switch (target.type) {
    case "function":
      return enter(target, args, session);
    case "class": {
      const made: Instance = { type: "instance", of: target, fields: new Map() };
      const init = target.member("__init__");
      if (init?.type === "function") enter(init, bound(made, args), session);
      return made;
    }
    case "instance": {
      const own = target.of.member("__call__");
      return own?.type === "function" ? enter(own, bound(target, args), session) : UNKNOWN;
    }
    case "symbol":
      return symbolCall(target.path, use);
    case "method":
      return methodCall(target.on, target.name, use, session);
    default:
      callBack(use);
      return UNKNOWN;
  }
}

/** Reads a function's body, unless functions are nested too deep or too much was read again in this call of the tool. */
function enter(target: FunctionValue, args: Arguments, session: Session): Value {
  if (session.calls >= DEEPEST_CALL || session.budget <= 0) return UNKNOWN;
  session.calls++;
  session.budget--;
  try {
    return target.call(args);
  } finally {
    session.calls--;
  }
}

const bound = (self: Value, args: Arguments): Arguments => ({
  ...args,
  positional: [self, ...args.positional],
});

/** Functions given to something unknown are taken to be called with an item of what else it was given. */
function callBack({ args, apply }: Use): void {
  const values = [...args.positional, ...args.named.values()];
  const items = values.filter((value) => value.type !== "function").map(elementOf);
  for (const value of values) if (value.type === "function") apply(value, items);
}

function symbolCall(path: string, use: Use): Value {
  const { args, cell } = use;
  const rest = (prefix: string): string | undefined =>
    path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
  const python = rest("builtins.");
  if (python !== undefined) return known(PYTHON.get(python), use);
  const numpy = rest("numpy.");
  if (numpy !== undefined) return numpyCall(numpy, use);
  const pyplot = rest("matplotlib.pyplot.");
  if (pyplot !== undefined) return pyplotCall(pyplot, use);
  if (rest("PIL.ImageFilter.") !== undefined) return { type: "symbol", path };
  const pil = rest("PIL.");
  if (pil !== undefined) return pillow(pil, use);
  const opencv = rest("cv2.");
  if (opencv !== undefined) return known(OPENCV.get(opencv), use);
  const standard = STANDARD.get(path);
  if (standard !== undefined) return standard(use);
  if (isNumeric(path)) {
    cell.calculates();
    callBack(use);
    return NUMBER;
  }
  if (path === "IPython.display.display") {
    for (const value of args.positional) cell.looksAt(value);
    return UNKNOWN;
  }
  if (path === "decord.VideoReader" || path === "imageio.get_reader") return VIDEO;
  if (path === "imageio.imread" || path === "imageio.v2.imread" || path === "imageio.v3.imread")
    return picture("array");
  const scientific = scientificCall(path, use);
  if (scientific !== undefined) return scientific;
  callBack(use);
  return UNKNOWN;
}

/** `Image.Image.crop(image, box)` is the method by another way. */
function pillow(name: string, use: Use): Value {
  const method = name.startsWith("Image.Image.") ? name.slice("Image.Image.".length) : undefined;
  const [self, ...positional] = use.args.positional;
  if (method !== undefined && self?.type === "picture")
    return pilMethod(self, method, { ...use, args: { ...use.args, positional } });
  return known(PIL.get(name), use);
}

function known(handler: ((use: Use) => Value) | undefined, use: Use): Value {
  if (handler !== undefined) return handler(use);
  callBack(use);
  return UNKNOWN;
}

function methodCall(on: Value, name: string, use: Use, session: Session): Value {
  const { cell, args } = use;
  switch (on.type) {
    case "picture":
      return on.form === "pil" ? pilMethod(on, name, use) : arrayMethod(on, name, use);
    case "video":
      cell.add("sampleFrames");
      if (name === "get_batch" || name === "asnumpy") return picture("frames");
      return name === "next" || name === "get_data" ? picture("array") : NUMBER;
    case "list":
      return listMethod(on, name, use);
    case "text":
      return textMethod(name, use);
    case "numbers":
      cell.calculates();
      return NUMBERS;
    case "axes":
      return axesMethod(on, name, use);
    case "axesGrid":
      return ["flatten", "ravel", "reshape"].includes(name) ? on : gridAxes(on, "");
    case "instance": {
      const own = on.of.member(name);
      return own === undefined
        ? UNKNOWN
        : call(own, own.type === "function" ? bound(on, args) : args, session);
    }
    case "helper":
      return helperCall(on, name, use);
    case "unknown":
      if (looksLikePil(name, args) && (on.free === true || name === "crop"))
        return pilMethod(picture("pil"), name, use);
      if (["imshow", "add_patch", "annotate"].includes(name)) return axesMethod(cell.axes, name, use);
      callBack(use);
      return UNKNOWN;
    default:
      callBack(use);
      return UNKNOWN;
  }
}

function helperCall(on: Extract<Value, { type: "helper" }>, name: string, use: Use): Value {
  const { cell } = use;
  switch (on.kind) {
    case "brush":
      return brushMethod(name, use);
    case "enhancer":
      if (name === "enhance") cell.add("enhance");
      return on.of?.type === "picture" ? plain(on.of) : picture("pil");
    case "equaliser":
      if (name === "apply") cell.add("enhance");
      return plain(subject(use));
    case "finder":
      return finderMethod(use);
    case "figure":
      return figureMethod(name, use);
    case "capture":
      if (name === "release" || name === "isOpened") return NUMBER;
      cell.add("sampleFrames");
      return name === "read" ? { type: "tuple", items: [NUMBER, picture("array")] } : NUMBER;
    case "pixelAccess":
    case "statistics":
      return NUMBERS;
  }
}
