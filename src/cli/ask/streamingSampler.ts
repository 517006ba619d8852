// Tells the text of a turn while it is sampled (SampleRequest.onText), for engines that answer with whole turns: such a turn
// is asked for token by token. Each request extends the one before, so that the engine computes every token once; the
// sequence's random numbers are drawn in the same order.
import type { Codec, SampleRequest, SampleResult, Sampler } from "../../engines/engine.ts";

/** Tokens that may wait for the rest of a character before they are told as they are. */
const MOST_WAITING = 8;

export class StreamingSampler implements Sampler {
  constructor(
    private readonly inner: Sampler,
    private readonly codec: Codec,
  ) {}

  async sample(requests: readonly SampleRequest[]): Promise<readonly SampleResult[]> {
    const results: SampleResult[] = [];
    for (const { onText, ...request } of requests)
      results.push(...(onText ? [await this.told(request, onText)] : await this.inner.sample([request])));
    return results;
  }

  release(sequenceId: string): void {
    this.inner.release(sequenceId);
  }

  /** @param onText gets pieces whose concatenation is the turn's text */
  private async told(request: SampleRequest, onText: (piece: string) => void): Promise<SampleResult> {
    const { params, segments } = request;
    const tokens: number[] = [];
    const logprobs: number[] = [];
    const longestStop = Math.max(0, ...params.stopStrings.map((text) => text.length));
    let tail = "";
    let waiting: number[] = [];
    while (tokens.length < params.maxNewTokens) {
      const sampled = { type: "sampled" as const, tokens: [...tokens], logprobs: [...logprobs] };
      const [result] = await this.inner.sample([
        {
          ...request,
          segments: tokens.length === 0 ? segments : [...segments, sampled],
          params: { ...params, maxNewTokens: 1 },
        },
      ]);
      const token = result?.tokens[0];
      const logprob = result?.logprobs[0];
      if (token === undefined || logprob === undefined)
        throw new Error("internal: the sampler gave no token for a request of one");
      tokens.push(token);
      logprobs.push(logprob);
      waiting.push(token);
      const text = this.codec.decode(waiting);
      const isWhole = !text.endsWith("\ufffd") || waiting.length >= MOST_WAITING;
      const isStop = result?.stop === "stop" || params.stopStrings.some((s) => (tail + text).includes(s));
      if (isWhole || isStop) {
        onText(text);
        tail = (tail + text).slice(-longestStop);
        waiting = [];
      }
      if (isStop) return { tokens, logprobs, stop: "stop" };
    }
    if (waiting.length > 0) onText(this.codec.decode(waiting));
    return { tokens, logprobs, stop: "length" };
  }
}
