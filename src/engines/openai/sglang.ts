// SGLang's own API beside its OpenAI-compatible one: POST /generate takes token ids and gives token ids with their
// log-probabilities, which its chat API does not.
import { z } from "zod";
import type { ChatReply } from "./chat.ts";
import { dataUri, type JsonBody } from "./chatBody.ts";
import { UnreadableReply } from "./failures.ts";
import type { SamplingParams } from "../engine.ts";

/** @param pictures PNG files, in the order of their placeholders; one placeholder each in `ids` */
export function generateBody(
  ids: readonly number[],
  pictures: readonly Uint8Array[],
  { maxNewTokens, temperature, topP, topK, stopStrings }: SamplingParams,
): JsonBody {
  return {
    input_ids: ids,
    ...(pictures.length > 0 && { image_data: pictures.map(dataUri) }),
    sampling_params: {
      max_new_tokens: maxNewTokens,
      temperature,
      top_p: topP,
      top_k: topK > 0 ? topK : -1,
      stop: stopStrings,
      no_stop_trim: true,
      skip_special_tokens: false,
      spaces_between_special_tokens: false,
    },
    return_logprob: true,
    stream: false,
  };
}

const schema = z.looseObject({
  meta_info: z.looseObject({
    finish_reason: z.looseObject({ type: z.string(), message: z.string().nullish() }),
    prompt_tokens: z.int().min(0),
    completion_tokens: z.int().min(0),
    /** [ln p, id, text or null] of each token. */
    output_token_logprobs: z.array(z.tuple([z.number(), z.int()]).rest(z.unknown())),
  }),
});

export interface Generated {
  readonly ids: readonly number[];
  readonly logprobs: readonly number[];
  readonly stop: ChatReply["stop"];
  readonly usage: { readonly promptTokens: number; readonly replyTokens: number };
}

/** @throws UnreadableReply; a request that the server gave up is one, too */
export function readGenerated(json: unknown): Generated {
  const result = schema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new UnreadableReply(
      `its reply is not that of SGLang's /generate (${issue?.path.map(String).join(".")}: ${issue?.message})`,
    );
  }
  const { finish_reason, prompt_tokens, completion_tokens, output_token_logprobs } = result.data.meta_info;
  if (finish_reason.type === "abort")
    throw new UnreadableReply(`it gave the request up (${finish_reason.message ?? "no reason given"})`);
  return {
    ids: output_token_logprobs.map(([, id]) => id),
    logprobs: output_token_logprobs.map(([logprob]) => logprob),
    stop: finish_reason.type === "length" ? "length" : "stop",
    usage: { promptTokens: prompt_tokens, replyTokens: completion_tokens },
  };
}
