// The sampling graph with the current weights: rows of embedded tokens over cached keys and values in, logits after the
// last token of each row and the new keys and values out.
import { headDim, type Qwen25VLConfig } from "../../models/qwen2_5_vl/config.ts";
import type { Value } from "../../onnx/session.ts";
import { feedPast, takeFresh } from "./cachePorts.ts";
import type { CompiledGraph } from "./compiledGraph.ts";
import type { CacheShape } from "./kvCache.ts";
import type { ParameterStore } from "./parameters.ts";
import { MropeTables, type RotaryRows } from "./rotaryTables.ts";
import { floats, ints, rowIds } from "./values.ts";

export interface DecoderInput {
  /** Sequences, and tokens of each. */
  readonly batch: number;
  readonly length: number;
  /** [batch * length, hidden]. */
  readonly embedded: Float32Array;
  readonly rotary: RotaryRows;
  /** [batch, length, capacity + length]: 0 where a token sees a key, BLOCKED elsewhere. */
  readonly bias: Float32Array;
  /** Rows whose logits are wanted, one for each sequence. */
  readonly lastRows: ArrayLike<number>;
  /** Cached keys, then values, layer by layer: [batch, heads, capacity, size] each. */
  readonly past: readonly Float32Array[];
  readonly capacity: number;
}

export interface DecoderOutput {
  /** [batch, vocabulary]. */
  readonly logits: Float32Array;
  /** New keys, then values, layer by layer: [batch, heads, length, size] each. */
  readonly fresh: readonly Float32Array[];
}

export class DecoderModel {
  readonly tables: MropeTables;
  readonly shape: CacheShape;

  constructor(
    readonly config: Qwen25VLConfig,
    private readonly compiled: CompiledGraph,
    readonly parameters: ParameterStore,
  ) {
    this.tables = new MropeTables(config);
    this.shape = { layers: config.numHiddenLayers, heads: config.numKeyValueHeads, size: headDim(config) };
  }

  /** [vocabulary, hidden]. */
  get embeddings(): Float32Array {
    return this.parameters.value("model.embed_tokens.weight");
  }

  async run(input: DecoderInput): Promise<DecoderOutput> {
    const { batch, length, rotary, past, capacity } = input;
    const { layers, heads, size } = this.shape;
    const { session, names } = this.compiled;
    const rows = batch * length;
    const feeds: Record<string, Value> = {
      embedded: floats(input.embedded, [rows, this.config.hiddenSize]),
      cos: floats(rotary.cos, [rows, this.tables.width]),
      sin: floats(rotary.sin, [rows, this.tables.width]),
      rowIds: rowIds(rows),
      layout: ints([batch, length]),
      bias: floats(input.bias, [batch, 1, 1, length, capacity + length]),
      lastRows: ints(input.lastRows),
      ...this.parameters.feeds(names),
    };
    feedPast(feeds, past, [batch, heads, capacity, size]);
    const results = await session.run(feeds);
    return { logits: results["logits"]?.data as Float32Array, fresh: takeFresh(results, layers) };
  }
}
