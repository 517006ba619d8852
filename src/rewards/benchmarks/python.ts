// Python's reading and writing of numbers and text, where it differs from JavaScript's: what the benchmarks' own programs do
// with an answer hangs on it. Verified against CPython 3.11; digits of scripts that Unicode added since are read as well.

/** What str.strip, str.split and \s take for white space, for a class of characters: not what \s is here, which has U+FEFF and lacks U+001C to U+001F. */
export const PY_SPACE = "\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACES = new RegExp(`[${PY_SPACE}]+`, "u");
const IS_SPACE = new RegExp(`[${PY_SPACE}]`, "u");

/** str.strip(), or str.strip(chars) with the characters of `chars`. */
export function pyStrip(text: string, chars?: string): string {
  const all = chars === undefined ? undefined : new Set(chars);
  const isStripped = (char: string): boolean => all?.has(char) ?? IS_SPACE.test(char);
  const characters = all === undefined ? text : [...text];
  let start = 0;
  let end = characters.length;
  while (start < end && isStripped(characters[start] as string)) start++;
  while (end > start && isStripped(characters[end - 1] as string)) end--;
  return typeof characters === "string" ? text.slice(start, end) : characters.slice(start, end).join("");
}

/** str.rstrip(chars). */
export function pyStripEnd(text: string, chars: string): string {
  let end = text.length;
  while (end > 0 && chars.includes(text[end - 1] as string)) end--;
  return text.slice(0, end);
}

/** str.split(' '): every single space parts, so that empty pieces remain. */
export const pySplitSpaces = (text: string): string[] => text.split(" ");

/** str.split(): runs of white space part, no piece is empty. */
export function pySplitWords(text: string): string[] {
  const plain = pyStrip(text);
  return plain === "" ? [] : plain.split(SPACES);
}

/** str.splitlines(): at more marks than a newline, and without an empty line after the last. */
export function pySplitLines(text: string): string[] {
  const lines = text.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** Not decimal, and digits to str.isdigit all the same: superscripts, those in circles, and the like. */
const OTHER_DIGITS =
  "²³¹\\u1369-\\u1371\\u19da\\u2070\\u2074-\\u2079\\u2080-\\u2089\\u2460-\\u2468\\u2474-\\u247c\\u2488-\\u2490" +
  "\\u24ea\\u24f5-\\u24fd\\u24ff\\u2776-\\u277e\\u2780-\\u2788\\u278a-\\u2792\\u{10a40}-\\u{10a43}" +
  "\\u{10e60}-\\u{10e68}\\u{11052}-\\u{1105a}\\u{1f100}-\\u{1f10a}";
const DIGITS = new RegExp(`^[\\p{Nd}${OTHER_DIGITS}]+$`, "u");

/** str.isdigit(): "²" is one, "-1", "1.0" and "" are not. */
export const pyIsDigit = (text: string): boolean => DIGITS.test(text);

/** str.isalpha(): letters of any script, at least one. */
export const pyIsAlpha = (text: string): boolean => /^\p{L}+$/u.test(text);

const WITH_POINT = String.raw`(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)`;
const FLOAT = new RegExp(String.raw`^[+-]?${WITH_POINT}(?:e[+-]?\d(?:_?\d)*)?$`, "i");

/**
 * float(text): undefined where it raises ValueError. NaN and the infinities by name, underscores between digits and digits of
 * any script are read; "", "0x10", "1,000" and "50%" are not.
 */
export function pyFloat(text: string): number | undefined {
  const plain = numeral(text);
  if (FLOAT.test(plain)) return Number(plain.replaceAll("_", ""));
  const [, sign, name] = /^([+-]?)(inf(?:inity)?|nan)$/i.exec(plain) ?? [];
  if (name === undefined) return undefined;
  if (name.toLowerCase() === "nan") return NaN;
  return sign === "-" ? -Infinity : Infinity;
}

/** The interpreter's limit of digits that int reads. */
const MOST_DIGITS = 4300;

/** int(text): undefined where it raises ValueError, as for "12.0". Integers beyond 2^53 come as the double nearest to them. */
export function pyInt(text: string): number | undefined {
  const plain = numeral(text);
  const [, sign, digits] = /^([+-]?)(\d(?:_?\d)*)$/.exec(plain) ?? [];
  if (digits === undefined) return undefined;
  const bare = digits.replaceAll("_", "");
  if (bare.length > MOST_DIGITS) return undefined;
  const size = Number(BigInt(bare));
  return sign === "-" && size !== 0 ? -size : size;
}

/**
 * Without white space around it, U+001C to U+001F excepted, which float and int refuse though strip takes them away; decimal
 * digits of other scripts as 0 to 9. Unicode keeps each script's ten in one run.
 */
function numeral(text: string): string {
  const plain = pyStrip(text);
  const at = text.indexOf(plain);
  const around = text.slice(0, at) + text.slice(at + plain.length);
  if (/[\x1c-\x1f]/.test(around)) return "";
  return plain.replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) as number;
    let before = 0;
    while (/^\p{Nd}$/u.test(String.fromCodePoint(code - before - 1))) before++;
    return String(before % 10);
  });
}

/** round(x, digits): the exact binary value to the nearest decimal, a tie to the even digit. NaN and the infinities stay. */
export function roundHalfEven(x: number, digits = 0): number {
  if (!Number.isFinite(x)) return x;
  const { sign, units } = rounded(x, digits);
  return Number(`${sign}${String(units)}e${String(-digits)}`);
}

/** '{:.Nf}'.format(x), which rounds half to even on the exact binary value where toFixed rounds a tie up. */
export function pyFixed(x: number, digits: number): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  const { sign, units } = rounded(x, digits);
  const text = String(units).padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  return digits === 0 ? `${sign}${whole}` : `${sign}${whole}.${text.slice(text.length - digits)}`;
}

/** '{:.2%}'.format(x): 0.00125 is 0.12%. */
export const percent2 = (x: number): string => `${pyFixed(x * 100, 2)}%`;

/** |x| in units of 10^-digits. */
function rounded(x: number, digits: number): { readonly sign: "-" | ""; readonly units: bigint } {
  const { mantissa, exponent } = exactly(Math.abs(x));
  const above = mantissa * power(2, exponent) * power(10, digits);
  const below = power(2, -exponent) * power(10, -digits);
  const quotient = above / below;
  const twice = (above % below) * 2n;
  const up = twice > below || (twice === below && quotient % 2n === 1n);
  return { sign: x < 0 || Object.is(x, -0) ? "-" : "", units: up ? quotient + 1n : quotient };
}

const power = (base: number, exponent: number): bigint =>
  exponent > 0 ? BigInt(base) ** BigInt(exponent) : 1n;

/** mantissa · 2^exponent is the double, to the bit. */
function exactly(x: number): { readonly mantissa: bigint; readonly exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  const raw = bits.getBigUint64(0);
  const biased = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & 0xfffffffffffffn;
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10000000000000n, exponent: biased - 1075 };
}
