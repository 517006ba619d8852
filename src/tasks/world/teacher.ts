// A scripted teacher that plays the mini world through the ordinary agent loop and real Python: to the loop it is a
// Sampler like any policy, but it knows the scene. Its demonstrations are mixed on purpose: it sometimes guesses
// early (so that RL has something to improve), sometimes looks at the wrong place or makes a Python error and then
// repairs it.
import type { Codec, SampleRequest, SampleResult, Sampler } from "../../engines/engine.ts";
import type { Random } from "../../core/random.ts";
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

/** Each request of a sequence is answered with the script's next turn; log-probabilities are zeros. */
export class Teacher implements Sampler {
  readonly #options: TeacherOptions;
  readonly #scripts = new Map<string, Iterator<string>>();

  constructor(options: TeacherOptions) {
    this.#options = options;
  }

  async sample(requests: readonly SampleRequest[]): Promise<readonly SampleResult[]> {
    return requests.map((request) => this.#nextTurn(request));
  }

  release(sequenceId: string): void {
    this.#scripts.delete(sequenceId);
  }

  #nextTurn({ sequenceId, params }: SampleRequest): SampleResult {
    let script = this.#scripts.get(sequenceId);
    if (script === undefined) {
      const { task, random } = this.#options.episodeOf(sequenceId);
      script = teacherScript(task.scene, random, this.#options.behaviour);
      this.#scripts.set(sequenceId, script);
    }
    const turn = script.next();
    if (turn.done === true)
      throw new Error(`internal: the teacher was asked for a turn of "${sequenceId}" after its answer`);
    const tokens = this.#options.codec.encodeText(turn.value).slice(0, params.maxNewTokens + 1);
    const cut = tokens.length > params.maxNewTokens;
    if (cut) tokens.pop();
    return { tokens, logprobs: tokens.map(() => 0), stop: cut ? "length" : "stop" };
  }
}
