// Units of measurement, so that 150 cm is 1.5 m and 5 s is not 5 m. A unit is a product of powers of basic ones and a factor;
// a word that is not known is no unit.
import { plainCharacters } from "./text.ts";

export interface Unit {
  /** Powers of the basic units in alphabetical order, such as "m^1 s^-1"; "" for a bare number of units. */
  readonly dimension: string;
  /** In basic units. */
  readonly factor: number;
  /** One letter right behind the number, "2m", which may as well be a symbol. */
  readonly isLetter?: boolean;
}

const NAMES: Readonly<Record<string, readonly [basic: string, factor: number, power?: number]>> = {};
function define(basic: string, factor: number, names: string, power = 1): void {
  for (const name of names.split(" ")) (NAMES as Record<string, unknown>)[name] = [basic, factor, power];
}
define("m", 1, "m meter meters metre metres");
define("m", 1e-3, "mm millimeter millimeters millimetre millimetres");
define("m", 1e-2, "cm centimeter centimeters centimetre centimetres cms");
define("m", 1e-1, "dm decimeter decimeters");
define("m", 1e3, "km kilometer kilometers kilometre kilometres kms");
define("m", 1e-6, "um µm μm micrometer micrometers");
define("m", 1e-9, "nm nanometer nanometers");
define("m", 0.0254, "inch inches in");
define("m", 0.3048, "ft foot feet");
define("m", 0.9144, "yd yard yards");
define("m", 1609.344, "mi mile miles");
define("m", 1e-3, "L l liter liters litre litres", 3);
define("m", 1e-6, "mL ml milliliter milliliters millilitre millilitres cc", 3);
define("m", 1e4, "ha hectare hectares", 2);
define("m", 4046.8564224, "acre acres", 2);
define("kg", 1, "kg kilogram kilograms kgs kilo kilos");
define("kg", 1e-3, "g gram grams");
define("kg", 1e-6, "mg milligram milligrams");
define("kg", 1e3, "t ton tons tonne tonnes");
define("kg", 0.45359237, "lb lbs pound pounds");
define("kg", 0.028349523125, "oz ounce ounces");
define("s", 1, "s sec secs second seconds");
define("s", 1e-3, "ms millisecond milliseconds");
define("s", 60, "min mins minute minutes");
define("s", 3600, "h hr hrs hour hours");
define("s", 86_400, "day days");
define("s", 604_800, "week weeks");
define("month", 1, "month months");
define("month", 12, "year years yr yrs");
define("degree", 1, "° deg degs degree degrees");
define("degree", 180 / Math.PI, "rad radian radians");
define("celsius", 1, "°C celsius");
define("fahrenheit", 1, "°F fahrenheit");
define("kelvin", 1, "K kelvin kelvins");
define("percent", 1, "% percent");
define("dollar", 1, "$ USD usd dollar dollars");
define("dollar", 0.01, "¢ cent cents");
define("euro", 1, "€ EUR euro euros");
define("sterling", 1, "£ GBP");
define("yuan", 1, "¥ CNY RMB yuan");
define("N", 1, "N newton newtons");
define("J", 1, "J joule joules");
define("W", 1, "W watt watts");
define("W", 1e3, "kW kilowatt kilowatts");
define("V", 1, "V volt volts");
define("A", 1, "A amp amps ampere amperes");
define("A", 1e-3, "mA milliamp milliamps");
define("ohm", 1, "Ω ohm ohms");
define("Hz", 1, "Hz hertz");
define("pixel", 1, "px pixel pixels");
define("count", 1, "unit units time times", 0);

const SPELLED: readonly (readonly [RegExp, string])[] = [
  [/\\(?:text|textrm|mathrm|textit|mathit|rm|operatorname)\s*\{([^{}]*)\}/g, " $1 "],
  [/\^?\s*\{?\s*\\(?:circ|degree)(?![a-z])\s*\}?\s*C\b/g, " °C"],
  [/\^?\s*\{?\s*\\(?:circ|degree)(?![a-z])\s*\}?\s*F\b/g, " °F"],
  [/\^?\s*\{?\s*\\(?:circ|degree)(?![a-z])\s*\}?/g, " °"],
  [/°\s*([CF])\b/g, " °$1"],
  [/\bdegrees?\s+celsius\b/gi, "celsius"],
  [/\bdegrees?\s+fahrenheit\b/gi, "fahrenheit"],
  [/\bper\s+cent\b/gi, "percent"],
  [/\\%/g, "%"],
  [/\\\$/g, "$"],
  [/\\cdot(?![a-z])|·|\*/g, " "],
  [/\\[,;:! ]|~/g, " "],
  [/\s*\^\s*\{?\s*(-?\d)\s*\}?/g, "^$1 "],
  [/\bsq(?:uare|\.)?[ -]\s*([a-zµμ]+)/gi, "$1^2"],
  [/\bcubic[ -]\s*([a-zµμ]+)/gi, "$1^3"],
  [/([a-zµμ]+)\s+squared\b/gi, "$1^2"],
  [/([a-zµμ]+)\s+cubed\b/gi, "$1^3"],
  [/\bper\b/gi, "/"],
  [/\bmph\b/gi, "mi/h"],
  [/\bkm\/?ph\b|\bkph\b/gi, "km/h"],
];

/** undefined for what is not a unit through and through. */
export function parseUnit(text: string): Unit | undefined {
  if (text.length > 80) return undefined;
  let spelled = plainCharacters(text);
  for (const [pattern, by] of SPELLED) spelled = spelled.replace(pattern, by);
  const powers = new Map<string, number>();
  let factor = 1;
  const sides = spelled.replace(/[()]/g, " ").split("/");
  if (sides.length > 3) return undefined;
  for (const [i, side] of sides.entries()) {
    const names = side.split(/[\s.-]+/).filter((name) => name !== "");
    if (names.length === 0 || names.length > 4) return undefined;
    for (const name of names) {
      const [, word = "", digits] = /^([^\d^]+)\^?(-?\d)?$/.exec(name) ?? [];
      const known = lookUp(word);
      if (known === undefined) return undefined;
      const power = (digits === undefined ? 1 : Number(digits)) * (i === 0 ? 1 : -1);
      const [basic, size, ownPower = 1] = known;
      powers.set(basic, (powers.get(basic) ?? 0) + power * ownPower);
      factor *= size ** power;
    }
  }
  const dimension = [...powers]
    .filter(([, power]) => power !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([basic, power]) => `${basic}^${power}`)
    .join(" ");
  return { dimension, factor };
}

function lookUp(name: string): readonly [basic: string, factor: number, power?: number] | undefined {
  if (Object.hasOwn(NAMES, name)) return NAMES[name];
  const lower = name.toLowerCase();
  return lower.length > 1 && Object.hasOwn(NAMES, lower) ? NAMES[lower] : undefined;
}

/** "69{degrees}", "{squareinches}": how some data sets write units. */
const openedUnit = (text: string): string =>
  text.replace(/(?<![a-zA-Z^_])\{((?:square|cubic)?)([a-zA-Z]{3,20})\}$/, " $1 $2");

/** The number or term of a text, and the unit behind it or the currency before it. */
export function splitUnit(written: string): { readonly body: string; readonly unit?: Unit } {
  const text = openedUnit(written);
  const currency = /^\\?([$€£¥])\s*(?=[\d.])([^$]*)$/.exec(text);
  if (currency !== null) {
    const unit = parseUnit(currency[1] as string);
    const { body } = splitUnit(currency[2] as string);
    if (unit !== undefined) return { body, unit };
  }
  const starts =
    /(?<=[\d})\s~.!a-z])(?=[a-zA-Zµμ°%¢€Ω$^]|\\(?:text|mathrm|textrm|rm|mathit|textit|operatorname|circ|degree|[,;%$ ]))/g;
  for (const match of [...text.matchAll(starts)].slice(0, 40)) {
    const before = text[match.index - 1] as string;
    // Within a word nothing begins.
    if (/[a-z]/.test(before) && /[a-zA-Z]/.test(text[match.index] as string)) continue;
    const written = text.slice(match.index);
    const unit = parseUnit(written);
    const body = text
      .slice(0, match.index)
      .replace(/(?:\\[,;: ]|~|\s|-)+$/, "")
      .trim();
    if (unit === undefined || body === "") continue;
    if (unit.dimension === "") return { body };
    const isLetter = /^[a-zA-Z]$/.test(written) && body.length === match.index;
    return { body, unit: isLetter ? { ...unit, isLetter } : unit };
  }
  return { body: text };
}

/** Whether a word of the question is a unit of this dimension: "seconds" for s. Words of one letter are not taken for units. */
export const namesDimension = (question: string, { dimension }: Unit): boolean =>
  [...new Set(question.match(/[\p{L}]+(?:\/[\p{L}]+|\^\d|[²³])?/gu) ?? [])].some(
    (word) => word.length > 1 && !/^in$/i.test(word) && parseUnit(word)?.dimension === dimension,
  );

/** The unit a question asks for, "in meters" or "(cm)"; undefined when it names none or several. */
export function askedUnit(question: string): Unit | undefined {
  const found = new Map<string, Unit>();
  const add = (text: string): void => {
    const unit = parseUnit(text);
    if (unit !== undefined && unit.dimension !== "") found.set(`${unit.dimension} ${unit.factor}`, unit);
  };
  const named =
    /\bin\s+(?:the\s+)?(?:units?\s+of\s+)?((?:(?:square|cubic|sq\.?)[ -])?(?:percent|celsius|fahrenheit|feet|[a-z]{3,}s|degrees celsius|[mck]?m(?:\^?[23]|[²³])?|kg)(?:(?:\/| per )[a-z]+)?)(?![a-z])/gi;
  for (const match of question.matchAll(named)) add(match[1] as string);
  for (const match of question.matchAll(
    /\(\s*(?:in\s+)?([a-zµ°%]{1,12}(?:\^?[23]|[²³])?(?:\/[a-z]{1,6})?)\s*\)/gi,
  ))
    if ((match[1] as string).length > 1 || match[1] === "%" || match[1] === "°" || /in\s/.test(match[0]))
      add(match[1] as string);
  if (/\b(?:what|which|how many)\s+(?:percent|percentage)\b|\bas a percentage\b/i.test(question)) add("%");
  return found.size === 1 ? [...found.values()][0] : undefined;
}
