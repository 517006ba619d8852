// Reads what a server answered to POST /chat/completions, whole or in pieces, and nothing that is not there: a reply without
// a choice or without an end is unreadable, counts and ids that are missing are undefined.
//
// Stop strings: vLLM and SGLang leave them in the text. The protocol itself cuts them off and does not say which one it was
// or whether it was one at all; some servers tell it in `stop_reason` or `matched_stop`. Where nothing tells, and the text
// has the opening mark of a stop string of the form </name>, that stop string is put back.
import { z } from "zod";
import type { ChatReply } from "./chat.ts";
import { UnreadableReply } from "./failures.ts";

const matched = z.union([z.string(), z.number()]).nullish();
const ids = z.array(z.int()).nullish();
const usage = z.looseObject({ prompt_tokens: z.int().min(0), completion_tokens: z.int().min(0) });
const logprobs = z
  .looseObject({ content: z.array(z.looseObject({ logprob: z.number() })).nullish() })
  .nullish();
const ending = {
  finish_reason: z.string().nullish(),
  stop_reason: matched,
  matched_stop: matched,
  token_ids: ids,
  logprobs,
};
const said = z.looseObject({ content: z.string().nullish(), refusal: z.string().nullish() });
const common = { model: z.string().nullish(), usage: z.unknown().optional(), prompt_token_ids: ids };

const wholeSchema = z.looseObject({
  ...common,
  choices: z.array(z.looseObject({ ...ending, message: said })),
});
const pieceSchema = z.looseObject({
  ...common,
  choices: z.array(z.looseObject({ ...ending, delta: said.nullish() })).nullish(),
});

/** Some gateways tell a failure behind them with status 200. */
const errorSchema = z.looseObject({ error: z.looseObject({ message: z.string() }) });

export type ReadReply = Pick<ChatReply, "text" | "stop" | "usage" | "tokens" | "model">;

/** @throws UnreadableReply */
export function readWhole(json: unknown, model: string, stops: readonly string[]): ReadReply {
  const told = errorSchema.safeParse(json);
  if (told.success) throw new UnreadableReply(`it answered with an error (${told.data.error.message})`);
  const reader = new ReplyReader(model, stops);
  const { choices, ...rest } = checked(wholeSchema, json);
  const [choice] = choices;
  if (choice === undefined) throw new UnreadableReply("its reply has no choice (choices: [])");
  const { message, ...end } = choice;
  reader.take({ ...rest, choices: [{ ...end, delta: message }] });
  return reader.reply();
}

/** Ends of a reply that the model has not written. */
const CUT: readonly string[] = ["length", "content_filter"];
/** Of one that the server stopped for reasons of its own (vLLM while weights change); it may be asked again. */
const GIVEN_UP: readonly string[] = ["abort", "error"];

/** Reads a stream piece by piece. */
export class ReplyReader {
  #text = "";
  #shown = 0;
  #finish: string | undefined;
  /** The server's word on what stopped the reply; undefined when it has none, null for the end of the turn. */
  #matched: string | number | null | undefined;
  #usage: ReadReply["usage"];
  #prompt: readonly number[] | undefined;
  readonly #ids: number[] = [];
  readonly #logprobs: number[] = [];
  #model: string;

  constructor(
    model: string,
    private readonly stops: readonly string[],
    private readonly onText?: (piece: string) => void,
  ) {
    this.#model = model;
  }

  /** @returns whether it goes on; false when the server writes on and on behind a stop string. */
  take(json: unknown): boolean {
    const piece = checked(pieceSchema, json);
    if (typeof piece.model === "string" && piece.model !== "") this.#model = piece.model;
    if (piece.prompt_token_ids) this.#prompt = piece.prompt_token_ids;
    const counted = usage.safeParse(piece.usage);
    if (counted.success)
      this.#usage = {
        promptTokens: counted.data.prompt_tokens,
        replyTokens: counted.data.completion_tokens,
      };
    const choice = piece.choices?.[0];
    if (choice === undefined) return true;
    this.#text += choice.delta?.content ?? choice.delta?.refusal ?? "";
    this.#finish = choice.finish_reason ?? this.#finish;
    this.#matched = choice.stop_reason ?? choice.matched_stop ?? this.#matched ?? whetherNull(choice);
    if (choice.token_ids) this.#ids.push(...choice.token_ids);
    if (choice.logprobs?.content) this.#logprobs.push(...choice.logprobs.content.map((one) => one.logprob));
    const end = firstStop(this.#text, this.stops);
    this.#show(end ?? this.#text.length);
    return end === undefined || this.#text.length - end < 1000;
  }

  /** @throws UnreadableReply when it has no end */
  reply(): ReadReply {
    const end = firstStop(this.#text, this.stops);
    if (this.#finish === undefined && end === undefined)
      throw new UnreadableReply("its reply breaks off before its end");
    if (end === undefined && GIVEN_UP.includes(this.#finish ?? ""))
      throw new UnreadableReply(`the server gave the reply up (${this.#finish})`);
    const cut = end === undefined && CUT.includes(this.#finish ?? "");
    if (end !== undefined) this.#text = this.#text.slice(0, end);
    else if (!cut) this.#text += this.#lostStop() ?? "";
    this.#show(this.#text.length);
    const known = this.#prompt !== undefined && this.#ids.length > 0;
    return {
      text: this.#text,
      stop: cut ? "length" : "stop",
      usage: this.#usage,
      tokens:
        known && this.#ids.length === this.#logprobs.length
          ? { prompt: this.#prompt as readonly number[], reply: this.#ids, logprobs: this.#logprobs }
          : undefined,
      model: this.#model,
    };
  }

  #show(end: number): void {
    if (end > this.#shown) this.onText?.(this.#text.slice(this.#shown, end));
    this.#shown = Math.max(this.#shown, end);
  }

  #lostStop(): string | undefined {
    const told = this.#matched;
    if (typeof told === "string" && this.stops.includes(told)) return told;
    if (told !== undefined || this.#finish !== "stop") return undefined;
    let best: { readonly stop: string; readonly at: number } | undefined;
    for (const stop of this.stops) {
      const name = /^<\/(\w+)>$/.exec(stop)?.[1];
      const at = name === undefined ? -1 : this.#text.lastIndexOf(`<${name}>`);
      if (at >= 0 && at > (best?.at ?? -1)) best = { stop, at };
    }
    return best?.stop;
  }
}

/** Null where the server has the field, finished, and names no stop string. */
function whetherNull(choice: {
  readonly finish_reason?: string | null | undefined;
  readonly stop_reason?: unknown;
  readonly matched_stop?: unknown;
}): null | undefined {
  const has = "stop_reason" in choice || "matched_stop" in choice;
  return has && typeof choice.finish_reason === "string" ? null : undefined;
}

/** End of the stop string that ends first. */
function firstStop(text: string, stops: readonly string[]): number | undefined {
  let first: number | undefined;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at >= 0 && (first === undefined || at + stop.length < first)) first = at + stop.length;
  }
  return first;
}

function checked<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new UnreadableReply(
    `its reply is not that of a chat (${issue?.path.map(String).join(".") || "the whole"}: ${issue?.message ?? "not valid"})`,
  );
}
