// A scripted teacher that plays the mini world through the ordinary agent loop and real Python: to the loop it is a
// Sampler like any policy, but it knows the scene. Its demonstrations are mixed on purpose: it sometimes guesses
// early (so that RL has something to improve), sometimes looks at the wrong place or makes a Python error and then
// repairs it.
import type { Codec, SampleRequest, SampleResult, Sampler } from "../../engines/engine.ts";
import type { Random } from "../../core/random.ts";
import type { Segment } from "../../core/trajectory.ts";
import { FIGURE_CALL } from "./phrases.ts";
import { teacherScript } from "./teacherScript.ts";
import type { TeacherBehaviour } from "./teacherScript.ts";
import type { WorldTask } from "./world.ts";

export interface TeacherEpisode {
  readonly task: WorldTask;
  /** The episode's own stream for what the teacher leaves to chance. */
  readonly random: Random;
}

export interface TeacherOptions {
  readonly codec: Codec;
  /** What the sequence of this id is about. Asked once, at the sequence's first turn. */
  readonly episodeOf: (sequenceId: string) => TeacherEpisode;
  /** Left-out fields have the defaults of DEFAULT_BEHAVIOUR. */
  readonly behaviour?: Partial<TeacherBehaviour>;
}

/** Said, instead of the next turn, when a look brought no picture: no action, so the episode is not `answered`. */
const NO_FIGURE = "No figure came.";

interface Performance {
  readonly script: Iterator<string>;
  /** Whether the last turn was a cell that shows a place. */
  expectsFigure: boolean;
}

/**
 * Each request of a sequence is answered with the script's next turn; log-probabilities are zeros. Should a look fail
 * (a time limit on a busy machine, say), the episode ends without an answer: the teacher never claims to see what the
 * sequence does not show.
 */
export class Teacher implements Sampler {
  readonly #options: TeacherOptions;
  readonly #performances = new Map<string, Performance>();

  constructor(options: TeacherOptions) {
    this.#options = options;
  }

  async sample(requests: readonly SampleRequest[]): Promise<readonly SampleResult[]> {
    return requests.map((request) => this.#nextTurn(request));
  }

  release(sequenceId: string): void {
    this.#performances.delete(sequenceId);
  }

  #nextTurn({ sequenceId, segments, params }: SampleRequest): SampleResult {
    const performance = this.#performances.get(sequenceId) ?? this.#begin(sequenceId);
    const text =
      performance.expectsFigure && !endsWithFigure(segments) ? NO_FIGURE : nextText(performance, sequenceId);
    performance.expectsFigure = text.includes(FIGURE_CALL);
    const encoded = this.#options.codec.encodeText(text);
    const tokens = encoded.slice(0, params.maxNewTokens);
    return {
      tokens,
      logprobs: tokens.map(() => 0),
      stop: tokens.length < encoded.length ? "length" : "stop",
    };
  }

  #begin(sequenceId: string): Performance {
    const { task, random } = this.#options.episodeOf(sequenceId);
    const script = teacherScript(task.scene, random, this.#options.behaviour);
    const performance = { script, expectsFigure: false };
    this.#performances.set(sequenceId, performance);
    return performance;
  }
}

function nextText({ script }: Performance, sequenceId: string): string {
  const turn = script.next();
  if (turn.done === true)
    throw new Error(`internal: the teacher was asked for a turn of "${sequenceId}" after its answer`);
  return turn.value;
}

/** Whether an image stands in the observation at the end of the sequence. */
function endsWithFigure(segments: readonly Segment[]): boolean {
  const lastTurn = segments.findLastIndex((segment) => segment.type === "sampled");
  return segments.slice(lastTurn + 1).some((segment) => segment.type === "image");
}
