// Some servers drop images from a prompt without a word, and the policy would be sampled blind. The first prompt with an image
// is therefore also asked for its own log-probabilities: they are as many as the server's prompt has tokens. A server that
// gives none for prompts is found out by the first batch (trainingResult.ts) and by train/logprob_gap_mean.
import type { SampleRequest } from "../engine.ts";
import type { Capabilities } from "./capabilities.ts";
import { TinkerError } from "./failures.ts";
import { chunksOf } from "./protocol/datum.ts";
import { encodeChunks } from "./protocol/json.ts";
import type { SampleOutput } from "./protocol/wire.ts";
import { lengthOf } from "./sequences.ts";

export class ImageGuard {
  private passed: Promise<void> | undefined;

  constructor(
    private readonly baseUrl: string,
    private readonly capabilities: Pick<Capabilities, "imagesTrusted" | "promptLogprobsLength">,
  ) {}

  /**
   * Asks once, with the first of the requests that has an image.
   * @throws TinkerError when the server's prompt is not as long as ours
   */
  async check(
    requests: readonly Pick<SampleRequest, "segments">[],
    ask: (body: object) => Promise<SampleOutput>,
  ): Promise<void> {
    const { imagesTrusted, promptLogprobsLength } = this.capabilities;
    if (imagesTrusted || promptLogprobsLength === "none") return;
    const first = requests.find(({ segments }) => segments.some(({ type }) => type === "image"));
    if (first === undefined) return;
    const asked = (this.passed ??= this.compare(first.segments, ask));
    try {
      await asked;
    } catch (error) {
      if (this.passed === asked) this.passed = undefined;
      throw error;
    }
  }

  private async compare(
    segments: SampleRequest["segments"],
    ask: (body: object) => Promise<SampleOutput>,
  ): Promise<void> {
    const { promptLogprobs } = await ask({
      num_samples: 1,
      prompt: { chunks: encodeChunks(chunksOf(segments)) },
      sampling_params: { max_tokens: 1, temperature: 1, top_p: 1, top_k: -1, seed: 1 },
      prompt_logprobs: true,
      type: "sample",
    });
    const ours = lengthOf(segments);
    const expected = this.capabilities.promptLogprobsLength === "N" ? ours : ours - 1;
    if (promptLogprobs?.length === expected) return;
    throw new TinkerError(
      `${this.baseUrl}, asample: our prompt with an image has ${ours} tokens, and the server gave ` +
        `${promptLogprobs?.length ?? "no"} log-probabilities for it, not ${expected}: it drops images or counts their tokens ` +
        "differently; use a server that takes the images of this model, with the pixel limits of its processor",
      "failed",
    );
  }
}
