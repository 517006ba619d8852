// What officialSdk.py and officialSdkReference.py write.

/** Of the SDK's `SampledSequence`. */
export interface Sample {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly stop: "stop" | "length";
  readonly id: string;
}

/** One forward pass, or forward and backward passes with the optimiser's step behind them. */
export interface Step {
  readonly loss_fn: string;
  readonly optim: Readonly<Record<string, number>> | null;
  readonly data: readonly {
    readonly chunks: readonly { readonly tokens?: readonly number[]; readonly image?: number }[];
    readonly inputs: Readonly<Record<string, readonly number[]>>;
  }[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly logprobs: readonly (readonly number[])[];
  readonly optim_metrics: Readonly<Record<string, number>> | null;
}

/** An exception of the SDK. */
export interface Failure {
  readonly type: string;
  readonly category: string | null;
  readonly status: number | null;
  readonly text: string;
  readonly seconds: number;
}

type Scores = readonly (readonly (number | null)[])[];

export interface Result {
  readonly info: { readonly name: string; readonly isLora: boolean; readonly id: string };
  readonly tokenizer: readonly number[];
  readonly theirTokenizer: readonly number[];
  readonly imageTokens: number;
  readonly before: { readonly scores: Scores; readonly greedy: readonly Sample[] };
  readonly after: { readonly scores: Scores; readonly greedy: readonly Sample[] };
  readonly base: Scores;
  readonly named: { readonly path: string; readonly scores: Scores };
  readonly saved: string;
  readonly exported: string;
  readonly steps: readonly Step[];
  readonly sampling: {
    readonly greedy: readonly Sample[];
    readonly topOne: readonly Sample[];
    readonly smallNucleus: readonly Sample[];
    readonly seeded: readonly (readonly Sample[])[];
    readonly unseeded: readonly (readonly Sample[])[];
    readonly stopString: {
      readonly stop: string;
      readonly reply: Sample;
      readonly text: string;
      readonly greedyText: string;
    };
    readonly stopToken: { readonly stop: number; readonly reply: Sample };
    readonly endless: Sample;
    readonly short: Sample;
    readonly together: readonly (readonly number[])[];
    readonly alone: readonly (readonly number[])[];
  };
  /** Log-probabilities of the two steps after the saved state. */
  readonly continued: Readonly<Record<"resumed" | "bare" | "legacy", readonly Step["logprobs"][]>>;
  readonly chunked: {
    readonly loss: number;
    readonly alone: Step["logprobs"];
    readonly logprobs: Step["logprobs"];
  };
  readonly errors: {
    readonly afterwards: readonly number[];
    readonly key: Failure | null;
  };
  readonly rest: {
    readonly capabilities: readonly string[];
    readonly runs: readonly string[];
    readonly run: string;
    readonly checkpoints: readonly string[];
    readonly weightsInfo: string;
    readonly session: readonly string[];
    readonly afterDeletion: readonly string[];
  };
}

export interface Reference {
  readonly steps: readonly {
    readonly loss: number;
    readonly logprobs: readonly (readonly number[])[];
    readonly grad_norm: number | null;
  }[];
  /** Of the last step's datums under the weights that were downloaded. */
  readonly downloaded: Step["logprobs"];
}
