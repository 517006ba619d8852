// Reading `tokenizer.json` strictly: what this implementation does not do (other models, other patterns, stripping) is
// an error, never a silent difference in tokens.
import { DataError } from "../../core/errors.ts";
import { FieldReader } from "./jsonFields.ts";
import { qwenPattern } from "./pretokenize.ts";

/** A token matched as a whole string in template text. `special` ones are control tokens. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

export interface TokenizerContent {
  readonly vocab: Map<string, number>;
  readonly merges: [string, string][];
  readonly addedTokens: AddedToken[];
}

/** @throws DataError naming the field that differs from a Qwen2 tokenizer. */
export function parseTokenizerJson(json: unknown, source: string): TokenizerContent {
  const root = FieldReader.of(json, source);
  const demand = (what: string, wanted: string, got: string): void => {
    if (got !== wanted)
      throw new DataError(`${source}: ${what} must be ${wanted}, got ${got}; use a Qwen2.5-VL tokenizer`);
  };
  demand("normalizer", "NFC", root.object("normalizer").text("type"));
  checkPretokenizer(root.object("pre_tokenizer"), source, demand);
  demand("decoder", "ByteLevel", root.object("decoder").text("type"));
  const model = root.object("model");
  demand("model type", "BPE", model.text("type"));
  demand("model ignore_merges", "false", String(model.flag("ignore_merges", false)));
  const vocab = new Map<string, number>();
  for (const [token, id] of model.entries("vocab")) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0)
      throw new DataError(`${source}: vocab["${token}"] must be an integer >= 0, got ${String(id)}`);
    vocab.set(token, id);
  }
  const merges = model.list("merges").map((merge, rank) => parseMerge(merge, `${source}: merges[${rank}]`));
  const addedTokens = root.list("added_tokens").map((value, i): AddedToken => {
    const where = `${source}: added_tokens[${i}]`;
    const token = FieldReader.of(value, where);
    for (const flag of ["single_word", "lstrip", "rstrip", "normalized"])
      if (token.flag(flag, false))
        throw new DataError(`${where}: ${flag} must be false, got true; it is not supported`);
    return { id: token.tokenId("id"), content: token.text("content"), special: token.flag("special", false) };
  });
  checkIds(vocab, addedTokens, source);
  return { vocab, merges, addedTokens };
}

type Demand = (what: string, wanted: string, got: string) => void;

function checkPretokenizer(pre: FieldReader, source: string, demand: Demand): void {
  demand("pre_tokenizer", "Sequence", pre.text("type"));
  const steps = pre
    .list("pretokenizers")
    .map((step, i) => FieldReader.of(step, `${source}: pretokenizers[${i}]`));
  const [split, bytes] = steps;
  if (steps.length !== 2 || split === undefined || bytes === undefined)
    throw new DataError(`${source}: pretokenizers must be Split, then ByteLevel; got ${steps.length} steps`);
  demand("pretokenizers[0]", "Split", split.text("type"));
  demand("the split pattern", qwenPattern, split.object("pattern").text("Regex"));
  demand("the split behavior", "Isolated", split.text("behavior"));
  demand("the split's invert", "false", String(split.flag("invert", false)));
  demand("pretokenizers[1]", "ByteLevel", bytes.text("type"));
  demand("ByteLevel add_prefix_space", "false", String(bytes.flag("add_prefix_space", false)));
  demand("ByteLevel use_regex", "false", String(bytes.flag("use_regex", true)));
}

/** Older files write a merge as "left right", newer ones as [left, right]. */
function parseMerge(merge: unknown, where: string): [string, string] {
  const parts: unknown = typeof merge === "string" ? merge.split(" ") : merge;
  if (Array.isArray(parts) && parts.length === 2) {
    const [left, right] = parts as unknown[];
    if (typeof left === "string" && typeof right === "string" && left !== "" && right !== "")
      return [left, right];
  }
  throw new DataError(`${where}: must be two tokens, got ${JSON.stringify(merge)}`);
}

function checkIds(vocab: ReadonlyMap<string, number>, added: readonly AddedToken[], source: string): void {
  const names = new Map<number, string>();
  for (const [token, id] of vocab) {
    const other = names.get(id);
    if (other !== undefined) throw new DataError(`${source}: "${other}" and "${token}" both have id ${id}`);
    names.set(id, token);
  }
  for (const { content, id } of added) {
    const other = names.get(id);
    if (content === "" || (other !== undefined && other !== content))
      throw new DataError(
        `${source}: added token "${content}" has id ${id}, which belongs to "${other ?? "nothing"}"`,
      );
    names.set(id, content);
  }
}
