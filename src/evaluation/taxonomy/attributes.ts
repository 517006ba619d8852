// What a dot gives: a part of a module, the size of a picture, or a method to be called.
import { symbol } from "./names.ts";
import { NUMBER, NUMBERS, TEXT, UNKNOWN } from "./values.ts";
import type { Dims, NumberValue, Picture, Value } from "./values.ts";

export function attributeOf(base: Value, name: string): Value {
  switch (base.type) {
    case "symbol":
      return symbol(`${base.path}.${name}`);
    case "picture":
      return ofPicture(base, name);
    case "numbers":
      return ["shape", "T", "real", "imag"].includes(name) ? NUMBERS : { type: "method", on: base, name };
    case "number":
    case "none":
    case "function":
      return UNKNOWN;
    case "axesGrid":
      return name === "flat" ? base : { type: "method", on: base, name };
    case "helper":
      return base.kind === "statistics" ? NUMBERS : { type: "method", on: base, name };
    case "instance":
      return base.fields.get(name) ?? { type: "method", on: base, name };
    case "class":
      return base.member(name) ?? UNKNOWN;
    default:
      return { type: "method", on: base, name };
  }
}

const along = (dims: Dims, value: number | undefined): NumberValue => ({
  type: "number",
  of: { dims, factor: 1 },
  ...(value !== undefined && { value }),
});

function ofPicture(base: Picture, name: string): Value {
  const { dims, form } = base;
  const [width, height] = [along(dims, dims.width), along(dims, dims.height)];
  if (form === "pil") {
    if (name === "size") return { type: "tuple", items: [width, height] };
    if (name === "width") return width;
    if (name === "height") return height;
    if (name === "mode" || name === "format" || name === "filename") return TEXT;
  } else {
    if (name === "shape") {
      if (form === "pixels") return NUMBERS;
      const plane = [height, width, NUMBER];
      return { type: "tuple", items: form === "frames" ? [NUMBER, ...plane] : plane };
    }
    if (name === "T" || name === "flat") return { ...base, form: name === "flat" ? "pixels" : form };
    if (["size", "ndim", "dtype", "nbytes"].includes(name)) return NUMBER;
  }
  return { type: "method", on: base, name };
}
