// The scripted teacher of the video world as a Sampler: to the agent's loop it is a policy like any, but it knows the clip.
// Before each turn after a call it reads the observation: should that not hold what the script expects (a time limit on a
// busy machine, say), the episode ends without an answer, since the teacher never claims what the sequence does not show.
import type { Codec, SampleRequest, SampleResult, Sampler } from "../../engines/engine.ts";
import type { Segment } from "../../core/trajectory.ts";
import type { Expectation, ScriptTurn } from "./script.ts";

export interface VideoTeacherOptions {
  readonly codec: Pick<Codec, "encodeText" | "decode">;
  /** The turns of the sequence of this id: `videoScript`, or one of `uniformTurn`. Asked once, at its first turn. */
  readonly scriptOf: (sequenceId: string) => Iterator<ScriptTurn>;
}

/** Said, instead of the next turn, when a call did not bring what was expected: no action, so nothing is answered. */
const NOT_AS_EXPECTED = "Not as expected.";

interface Performance {
  readonly script: Iterator<ScriptTurn>;
  expects: Expectation | undefined;
}

export class VideoTeacher implements Sampler {
  readonly #options: VideoTeacherOptions;
  readonly #performances = new Map<string, Performance>();

  constructor(options: VideoTeacherOptions) {
    this.#options = options;
  }

  /** Log-probabilities are zeros. */
  async sample(requests: readonly SampleRequest[]): Promise<readonly SampleResult[]> {
    return requests.map((request) => this.#nextTurn(request));
  }

  release(sequenceId: string): void {
    this.#performances.delete(sequenceId);
  }

  #nextTurn({ sequenceId, segments, params }: SampleRequest): SampleResult {
    const { codec } = this.#options;
    const performance = this.#performances.get(sequenceId) ?? this.#begin(sequenceId);
    const met = performance.expects === undefined || meets(segments, performance.expects, codec);
    const encoded = codec.encodeText(met ? this.#advance(performance, sequenceId) : NOT_AS_EXPECTED);
    const tokens = encoded.slice(0, params.maxNewTokens);
    return {
      tokens,
      logprobs: tokens.map(() => 0),
      stop: tokens.length < encoded.length ? "length" : "stop",
    };
  }

  #begin(sequenceId: string): Performance {
    const performance: Performance = { script: this.#options.scriptOf(sequenceId), expects: undefined };
    this.#performances.set(sequenceId, performance);
    return performance;
  }

  #advance(performance: Performance, sequenceId: string): string {
    const turn = performance.script.next();
    if (turn.done === true)
      throw new Error(`internal: the teacher was asked for a turn of "${sequenceId}" after its answer`);
    performance.expects = turn.value.expects;
    return turn.value.text;
  }
}

/** Whether the observation at the end of the sequence holds what is expected. */
function meets(segments: readonly Segment[], expects: Expectation, codec: Pick<Codec, "decode">): boolean {
  const lastTurn = segments.findLastIndex((segment) => segment.type === "sampled");
  const observation = segments.slice(lastTurn + 1);
  const text = observation
    .map((segment) => (segment.type === "text" ? codec.decode(segment.tokens) : ""))
    .join("");
  switch (expects.type) {
    case "figure":
      return text.includes(expects.printed ?? "") && observation.some((segment) => segment.type === "image");
    case "stdout":
      return text.includes(expects.text);
    case "nameError":
      return text.includes(`name '${expects.name}' is not defined`);
  }
}
