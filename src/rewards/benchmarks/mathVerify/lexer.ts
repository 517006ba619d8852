// Tokens of Math-Verify's grammar: the longest known command or sign wins, wherever letters follow it ("\pir" is "\pi r").
import { NotMathematics } from "../../math/tokens.ts";

export type Token =
  | { readonly type: "number" | "percent" | "letter" | "greek"; readonly text: string }
  /** `\text{…}`, `\vec{…}`: a symbol with the whole as its name. */
  | { readonly type: "accent"; readonly text: string }
  /** `dx`: one symbol. */
  | { readonly type: "differential"; readonly text: string }
  | { readonly type: "function" | "command"; readonly text: string }
  | { readonly type: "sign"; readonly text: string };

const words = (text: string): readonly string[] => text.split(" ");

const FUNCTIONS = new Set(
  words("log ln exp sin cos tan csc sec cot arcsin arccos arctan sinh cosh tanh floor ceil"),
);
const COMMANDS = new Set(words("frac dfrac tfrac cfrac binom tbinom dbinom sqrt boxed infty"));
const SYMBOLS = new Set(
  words(
    "alpha beta gamma Gamma delta Delta epsilon varepsilon zeta eta theta Theta vartheta iota kappa lambda Lambda mu nu xi Xi " +
      "omicron pi Pi varpi rho varrho sigma Sigma varsigma tau upsilon Upsilon phi Phi varphi chi psi Psi omega Omega " +
      "angle triangle ell hbar imath jmath square Diamond bigstar nabla prime varnothing measuredangle",
  ),
);
/** Commands and characters of one meaning; "" is a space. */
const SIGNS: Readonly<Record<string, string>> = {
  times: "*",
  cdot: "*",
  div: "/",
  over: "/",
  mod: "mod",
  lgroup: "(",
  rgroup: ")",
  lbrace: "\\{",
  rbrace: "\\}",
  lbrack: "[",
  rbrack: "]",
  lvert: "|",
  rvert: "|",
  vert: "|",
  lfloor: "⌊",
  rfloor: "⌋",
  lceil: "⌈",
  rceil: "⌉",
  in: "∈",
  notin: "∉",
  equiv: "=",
  approx: "≈",
  lt: "<",
  le: "<=",
  leq: "<=",
  leqslant: "<=",
  gt: ">",
  ge: ">=",
  geq: ">=",
  geqslant: ">=",
  ne: "!=",
  neq: "!=",
  cup: "∪",
  cap: "∩",
  setminus: "∖",
  pm: "±",
  mp: "±",
  emptyset: "∅",
  subseteq: "⊆",
  supseteq: "⊇",
  thinspace: "",
  medspace: "",
  thickspace: "",
  quad: "",
  qquad: "",
  negthinspace: "",
  vspace: "",
};
const PLAIN: Readonly<Record<string, string>> = {
  "−": "-",
  "×": "*",
  "⋅": "*",
  "∗": "*",
  "∙": "*",
  "⋆": "*",
  "÷": "/",
  "∕": "/",
  "≤": "<=",
  "≥": ">=",
  "≠": "!=",
  "≈": "≈",
  "∈": "∈",
  "∉": "∉",
  "∪": "∪",
  "∩": "∩",
  "∖": "∖",
  "±": "±",
  "∓": "±",
  "∅": "∅",
  "==": "=",
  "!==": "!=",
  "~=": "≈",
  "\\(": "(",
  "\\)": ")",
};
const SETS: Readonly<Record<string, string>> = { N: "ℕ", Z: "ℤ", Q: "ℚ", R: "ℝ", C: "ℂ" };
const GREEK: Readonly<Record<string, string>> = {
  α: "alpha",
  β: "beta",
  γ: "gamma",
  δ: "delta",
  θ: "theta",
  λ: "lambda",
  μ: "mu",
  π: "pi",
  Π: "pi",
  σ: "sigma",
  τ: "tau",
  φ: "phi",
  ω: "omega",
  Δ: "delta",
  Ω: "omega",
};
const ACCENT =
  /^\\(acute|bar|overline|breve|check|dot|ddot|grave|hat|tilde|widetilde|vec|overrightarrow|bm|boldsymbol|text(?:it|bf|normal)?|math[a-z]+|mbox)[ \t\r\n]?\{((?:\\\}|[^}])*?)\}/;
const ENVIRONMENT = /^\\(begin|end)\{(matrix|pmatrix|bmatrix|array)\}(?:\{[clr]*\})?/;
const DEGREES = /^\^(?:\\circ|\\degree|°|\{\\circ\}|\{\\degree\}|\{°\})(?:le)?/;
const NUMBER = /^(?:\d*\.\d+|\d+)(?:E[+-]?\d+)?/;
const SIGN =
  /^(?:<=|>=|!==?|==|~=|\\\{|\\\}|\\\||\\\(|\\\)|\\\\|[-+*/^_(){}[\]|=<>:;,&!−×⋅∗∙⋆÷∕≤≥≠≈∈∉∪∩∖±∓∅ℕℤℚℝℂ])/;
/** Plain names that the grammar knows as functions of matrices and such, and that no term begins with. */
const RESERVED =
  /^(?:arc?(?:sin|cos|tan)h|gcd|lcm|floor|ceil|eye|zeros|ones|cols|rows|diag|norm|rank|trace|tr|rref|[hv]stack|orth|nullspace|eig|svd|SVD|p?matrix|[bv]matrix)/;
const MAX_CHARS = 2000;

/** @throws NotMathematics */
export function tokensOf(text: string): readonly Token[] {
  if (text.length > MAX_CHARS) throw new NotMathematics("too long");
  const tokens: Token[] = [];
  let rest = text.trimStart();
  while (rest !== "") {
    const [length, token] = first(rest);
    if (token !== undefined) tokens.push(token);
    rest = rest.slice(length).trimStart();
  }
  return tokens;
}

function first(rest: string): readonly [number, Token | undefined] {
  const number = NUMBER.exec(rest)?.[0];
  if (number !== undefined) {
    const percent = /^[ \t\r\n]?\\?%/.exec(rest.slice(number.length));
    return percent === null
      ? [number.length, { type: "number", text: number }]
      : [number.length + percent[0].length, { type: "percent", text: number }];
  }
  const degrees = DEGREES.exec(rest);
  if (degrees !== null) return [degrees[0].length, { type: "sign", text: "°" }];
  if (rest.startsWith("\\")) return command(rest);
  const sign = SIGN.exec(rest)?.[0];
  if (sign !== undefined) return [sign.length, { type: "sign", text: PLAIN[sign] ?? sign }];
  const character = rest[0] as string;
  if (Object.hasOwn(GREEK, character)) return [1, { type: "greek", text: GREEK[character] as string }];
  if (RESERVED.test(rest)) throw new NotMathematics("a name of a function");
  const differential = /^d[ \t\r\n]*([a-zA-Z])/.exec(rest);
  if (differential !== null)
    return [differential[0].length, { type: "differential", text: `d${differential[1] as string}` }];
  if (/[a-zA-Z]/.test(character)) return [1, { type: "letter", text: character }];
  throw new NotMathematics(`character ${character}`);
}

function command(rest: string): readonly [number, Token | undefined] {
  const environment = ENVIRONMENT.exec(rest);
  if (environment !== null)
    return [environment[0].length, { type: "command", text: environment[1] as string }];
  const accent = ACCENT.exec(rest);
  if (accent !== null) return [accent[0].length, accented(accent[1] as string, accent[2] as string)];
  const space = /^\\[,:;!]/.exec(rest);
  if (space !== null) return [2, undefined];
  const sign = SIGN.exec(rest)?.[0];
  if (sign !== undefined) return [sign.length, { type: "sign", text: PLAIN[sign] ?? sign }];
  const letters = /^\\([a-zA-Z]+)/.exec(rest)?.[1] ?? "";
  for (let end = letters.length; end > 0; end--) {
    const token = known(letters.slice(0, end));
    if (token !== undefined) return [end + 1, token === "space" ? undefined : token];
  }
  throw new NotMathematics(`\\${letters}`);
}

function known(name: string): Token | "space" | undefined {
  if (FUNCTIONS.has(name)) return { type: "function", text: name };
  if (COMMANDS.has(name)) return { type: "command", text: name.replace(/^[dtc](?=frac|binom)/, "") };
  if (SYMBOLS.has(name)) return { type: "greek", text: name.toLowerCase() };
  if (!Object.hasOwn(SIGNS, name)) return undefined;
  const sign = SIGNS[name] as string;
  return sign === "" ? "space" : { type: "sign", text: sign };
}

function accented(name: string, content: string): Token {
  const text = content.replace(/ /g, "");
  if (name === "mathbb" && Object.hasOwn(SETS, text)) return { type: "sign", text: SETS[text] as string };
  if (/text|mbox/.test(name)) return { type: "accent", text: text.replace(/[()]/g, "") };
  const kind = /^(?:bar|overline)$/.test(name)
    ? "bar"
    : /^(?:vec|overrightarrow)$/.test(name)
      ? "vec"
      : /^(?:tilde|widetilde)$/.test(name)
        ? "tilde"
        : name.startsWith("math")
          ? "math"
          : name;
  return { type: "accent", text: `${kind}{${text}}` };
}
