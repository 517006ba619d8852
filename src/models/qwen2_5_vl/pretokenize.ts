// Cutting text into the stretches inside which byte pairs may merge: contractions, words with one leading mark, single
// digits, punctuation runs, line breaks, spaces. The pattern is Qwen2's; the JavaScript form spells out what the regular
// expressions differ in (Node 20 has no inline `(?i:)`, and its \s counts U+FEFF but not U+0085).

/** As it stands in tokenizer.json, in the syntax of Hugging Face's tokenizers. */
export const qwenPattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const space = "\\t-\\r\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const javascriptPattern = new RegExp(
  [
    "'(?:[sS\\u017f]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])",
    "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+",
    "\\p{N}",
    ` ?[^${space}\\p{L}\\p{N}]+[\\r\\n]*`,
    `[${space}]*[\\r\\n]+`,
    `[${space}]+(?![^${space}])`,
    `[${space}]+`,
  ].join("|"),
  "gu",
);

/** NFC-normalised text in pieces that join to the whole. */
export function pretokenize(text: string): string[] {
  return text.normalize("NFC").match(javascriptPattern) ?? [];
}
