// A graph that runs, with the names of the weights it is fed.
import type { CompilableGraph } from "../../models/qwen2_5_vl/graphTraining.ts";
import { GraphSession } from "../../onnx/session.ts";

export interface CompiledGraph {
  readonly session: GraphSession;
  /** Weights it takes. */
  readonly names: readonly string[];
}

export async function compile({ graph, names }: CompilableGraph, threads: number): Promise<CompiledGraph> {
  return { session: await GraphSession.create(graph, threads), names };
}
