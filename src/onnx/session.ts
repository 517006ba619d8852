// Running a graph: ONNX Runtime's CPU provider, plain typed arrays in and out (inputs are not copied).
import "./quiet.ts";
import * as ort from "onnxruntime-node";
import { availableParallelism } from "node:os";
import type { Graph } from "./graph.ts";
import { EngineError } from "../core/errors.ts";

export type ArrayLike = Float32Array | BigInt64Array;
export interface Value {
  readonly data: ArrayLike;
  readonly dims: readonly number[];
}

export class GraphSession {
  private readonly session: ort.InferenceSession;

  private constructor(session: ort.InferenceSession) {
    this.session = session;
  }

  /** @param threads 0 means one per core. Results are bit-identical between runs only for an equal number of threads. */
  static async create(graph: Graph, threads = 0): Promise<GraphSession> {
    const session = await ort.InferenceSession.create(graph.toBytes(), {
      executionProviders: ["cpu"],
      intraOpNumThreads: threads === 0 ? availableParallelism() : threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: "all",
      enableMemPattern: false,
      logSeverityLevel: 3,
      // Every session has threads of its own: those of one must not spin on a core while another runs.
      extra: { session: { force_spinning_stop: "1" } },
    });
    return new GraphSession(session);
  }

  async run(inputs: Readonly<Record<string, Value>>): Promise<Record<string, Value>> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, value] of Object.entries(inputs)) {
      feeds[name] =
        value.data instanceof Float32Array
          ? new ort.Tensor("float32", value.data, value.dims)
          : new ort.Tensor("int64", value.data, value.dims);
    }
    let results: ort.InferenceSession.OnnxValueMapType;
    try {
      results = await this.session.run(feeds);
    } catch (error) {
      throw new EngineError(`internal: ONNX Runtime refused a run: ${(error as Error).message}`, {
        cause: error,
      });
    }
    const values: Record<string, Value> = {};
    for (const [name, tensor] of Object.entries(results)) {
      const { data, dims } = tensor;
      values[name] = { data: data as ArrayLike, dims };
    }
    return values;
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}
