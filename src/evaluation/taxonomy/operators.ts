// What operators make of values: arithmetic on pixels changes colours, comparing them makes masks.
import type { Cell } from "./cell.ts";
import { list, listOf, NUMBER, NUMBERS, plain, TEXT, UNKNOWN } from "./values.ts";
import type { NumberValue, Picture, Value } from "./values.ts";

const COMPARISONS = new Set(["<", ">", "<=", ">=", "==", "!="]);
const BITWISE = new Set(["&", "|", "^"]);

export function binary(left: Value, operator: string, right: Value, cell: Cell): Value {
  if (operator === "and" || operator === "or") return operator === "or" ? either(left, right) : right;
  if (operator === "is" || operator === "in" || operator === "not") {
    if (operator === "in" && left.type !== "text") cell.calculates();
    return NUMBER;
  }
  const pixels = [left, right].filter((value) => isArray(value));
  if (pixels.length > 0) {
    const both = pixels.length === 2;
    const first = pixels[0] as Picture;
    const other = first === left ? right : left;
    return COMPARISONS.has(operator)
      ? compared(first, other, both, cell)
      : calculated(first, operator, other, both, cell);
  }
  if (left.type === "none" || right.type === "none") return NUMBER;
  if (COMPARISONS.has(operator)) {
    if (left.type !== "text" || right.type !== "text") cell.calculates();
    return left.type === "numbers" || right.type === "numbers" ? NUMBERS : NUMBER;
  }
  if (left.type === "text" || right.type === "text") return TEXT;
  if (left.type === "list" || right.type === "list") return sequences(left, operator, right);
  if (left.type === "tuple" && right.type === "tuple" && operator === "+")
    return { type: "tuple", items: [...left.items, ...right.items] };
  cell.calculates();
  if (left.type === "number" && right.type === "number") return folded(left, operator, right);
  if (left.type === "numbers" || right.type === "numbers") return NUMBERS;
  return left.type === "unknown" && right.type === "unknown" ? UNKNOWN : NUMBER;
}

export function negated(operator: string, value: Value, cell: Cell): Value {
  if (operator === "not") return NUMBER;
  if (isArray(value)) return operator === "~" && value.form !== "mask" ? { ...value, adjusted: true } : value;
  if (value.type === "number" && operator === "-") {
    if (value.value === undefined) cell.calculates();
    return {
      type: "number",
      ...(value.value !== undefined && { value: -value.value }),
    };
  }
  return value;
}

const isArray = (value: Value): value is Picture => value.type === "picture" && value.form !== "pil";

const either = (left: Value, right: Value): Value => (left.type === "unknown" ? right : left);

function compared(pixels: Picture, other: Value, both: boolean, cell: Cell): Value {
  if (other.type === "none" || other.type === "text") return NUMBER;
  // Two pictures: where they differ. One of them: what has the colour that is looked for.
  if (both) return { ...plain(pixels, pixels.form === "pixels" ? "pixels" : "mask"), difference: true };
  if (pixels.form === "pixels") return pixels;
  cell.add("segment");
  return plain(pixels, "mask");
}

function calculated(pixels: Picture, operator: string, other: Value, both: boolean, cell: Cell): Value {
  if (both) {
    const masks = pixels.form === "mask" && (other as Picture).form === "mask";
    if (masks && BITWISE.has(operator)) return pixels;
    const shown = (other as Picture).form === "mask" ? pixels : (other as Picture);
    if (operator === "-") return { ...shown, form: masks ? "mask" : shown.form, difference: true };
    if (operator === "*" && pixels.form !== (other as Picture).form) {
      cell.add("segment");
      return pixels.form === "mask" ? (other as Picture) : pixels;
    }
    return { ...pixels, adjusted: pixels.form !== "mask" };
  }
  if (pixels.form === "mask" || operator === "@") return pixels;
  // From bytes to shares of one and back: the same picture.
  const scaling = other.type === "number" && (other.value === 255 || other.value === 1);
  if (scaling && (operator === "/" || operator === "*")) return pixels;
  if (operator === "//" || operator === "%" || operator === "/") {
    if (other.type !== "number" || other.value === undefined) return pixels;
  }
  return { ...pixels, adjusted: true };
}

function sequences(left: Value, operator: string, right: Value): Value {
  if (operator === "*") {
    const repeated = left.type === "list" ? left : right;
    return repeated.type === "list" ? listOf(repeated.element) : repeated;
  }
  const items = [left, right].flatMap((value) =>
    value.type === "list" ? (value.items ?? [value.element]) : value.type === "tuple" ? value.items : [],
  );
  return items.length > 64 ? listOf(list(items).element) : list(items);
}

function folded(left: NumberValue, operator: string, right: NumberValue): NumberValue {
  const [a, b] = [left.value, right.value];
  if (a !== undefined && b !== undefined) {
    const value = arithmetic(a, operator, b);
    return value !== undefined && Number.isFinite(value) ? { type: "number", value } : NUMBER;
  }
  const scaled = left.of ?? right.of;
  const by = left.of === undefined ? a : b;
  if (scaled === undefined || by === undefined) return NUMBER;
  if (operator === "*") return times(scaled, by);
  if ((operator === "/" || operator === "//") && left.of !== undefined && by !== 0)
    return times(scaled, 1 / by);
  return NUMBER;
}

const times = ({ dims, factor }: NonNullable<NumberValue["of"]>, by: number): NumberValue => ({
  type: "number",
  of: { dims, factor: factor * by },
});

function arithmetic(a: number, operator: string, b: number): number | undefined {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "//":
      return Math.floor(a / b);
    case "%":
      return a - b * Math.floor(a / b);
    case "**":
      return a ** b;
    default:
      return undefined;
  }
}
