// The graph of a decoding step with the current weights as parts of it: made when they are first decoded with, and anew
// when they have changed.
import type { Qwen25VLConfig } from "../../models/qwen2_5_vl/config.ts";
import { decodeGraph } from "../../models/qwen2_5_vl/graphDecode.ts";
import { GraphSession, type Value } from "../../onnx/session.ts";
import { feedPast, takeFresh } from "./cachePorts.ts";
import type { CacheShape } from "./kvCache.ts";
import type { ParameterStore } from "./parameters.ts";
import type { RotaryRows } from "./rotaryTables.ts";
import { floats, rowIds } from "./values.ts";

export interface TokenInput {
  /** One a row. */
  readonly tokens: BigInt64Array;
  readonly rotary: RotaryRows;
  /** [rows, capacity + 1]: 0 where the token sees a key (the last is its own), BLOCKED elsewhere. */
  readonly bias: Float32Array;
  /** Cached keys, then values, layer by layer: [rows, heads, capacity, size] each. */
  readonly past: readonly Float32Array[];
  readonly capacity: number;
}

export interface TokenOutput {
  /** ln p of every token that may come next, [rows, vocabulary]. */
  readonly logprobs: Float32Array;
  /** p, likewise. */
  readonly probabilities: Float32Array;
  /** New keys, then values, layer by layer: [rows, heads, size] each. */
  readonly fresh: readonly Float32Array[];
}

export class TokenModel {
  private session: Promise<GraphSession> | undefined;

  constructor(
    private readonly config: Qwen25VLConfig,
    private readonly shape: CacheShape,
    private readonly parameters: ParameterStore,
    private readonly threads: number,
  ) {}

  /** The weights have changed, or are not needed any more. Not while it runs. */
  async forget(): Promise<void> {
    const session = this.session;
    this.session = undefined;
    await (await session)?.dispose();
  }

  async run({ tokens, rotary, bias, past, capacity }: TokenInput): Promise<TokenOutput> {
    this.session ??= GraphSession.create(
      decodeGraph(this.config, (name) => this.parameters.value(name)),
      this.threads,
    );
    const session = await this.session;
    const { layers, heads, size } = this.shape;
    const rows = tokens.length;
    const turns = [rows, size / 2];
    const feeds: Record<string, Value> = {
      ids: { data: tokens, dims: [rows] },
      rowIds: rowIds(rows),
      cos: floats(rotary.cos, turns),
      sin: floats(rotary.sin, turns),
      bias: floats(bias, [rows, 1, 1, 1, capacity + 1]),
    };
    feedPast(feeds, past, [rows, heads, 1, capacity, size]);
    const results = await session.run(feeds);
    const pick = (name: string): Float32Array => results[name]?.data as Float32Array;
    const fresh = takeFresh(results, layers);
    return { logprobs: pick("logprobs"), probabilities: pick("probabilities"), fresh };
  }
}
