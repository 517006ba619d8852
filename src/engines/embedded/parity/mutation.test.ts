// The golden comparison has teeth: a gradient rule that is off by one per cent, or forgets a term, is noticed.
import assert from "node:assert/strict";
import test from "node:test";
import type { Tensor } from "../../../onnx/graph.ts";
import { gradients } from "../../../onnx/gradients.ts";
import { scale } from "../../../onnx/ops.ts";
import { trainingGraph } from "../../../models/qwen2_5_vl/graphTraining.ts";
import { compile, type CompiledGraph } from "../compiledGraph.ts";
import { caseDatums, GOLDEN_CASES, type ModelCase } from "./cases.ts";
import { checkGradients, storeOf } from "./checkCase.ts";
import { Agreement } from "./compare.ts";
import { goldenCase } from "./golden.ts";

interface Mutation {
  readonly name: string;
  /** ONNX operator that makes the result of the rule. */
  readonly operator: string;
  /** Operand whose gradient is spoilt. */
  readonly operand: number;
  /** 0 forgets the gradient. */
  readonly factor: number;
}

const MUTATIONS: readonly Mutation[] = [
  {
    name: "RMSNorm's input 1% too large",
    operator: "SimplifiedLayerNormalization",
    operand: 0,
    factor: 1.01,
  },
  {
    name: "RMSNorm's weight 1% too large",
    operator: "SimplifiedLayerNormalization",
    operand: 1,
    factor: 1.01,
  },
  { name: "a linear layer's input 1% too large", operator: "Gemm", operand: 0, factor: 1.01 },
  { name: "a linear layer's weight 1% too large", operator: "Gemm", operand: 1, factor: 1.01 },
  { name: "a linear layer's bias 1% too large", operator: "Gemm", operand: 2, factor: 1.01 },
  { name: "attention's queries 1% too large", operator: "FusedMatMul", operand: 0, factor: 1.01 },
  { name: "attention's keys 1% too small", operator: "FusedMatMul", operand: 1, factor: 0.99 },
  { name: "attention's values 1% too large", operator: "FusedMatMul", operand: 2, factor: 1.01 },
  { name: "keys and values cut for a block, 1% too large", operator: "Slice", operand: 0, factor: 1.01 },
  { name: "blocks of queries that are joined 1% too small", operator: "Concat", operand: 3, factor: 0.99 },
  { name: "a residual connection that forgets its branch", operator: "Add", operand: 1, factor: 0 },
  { name: "SwiGLU that forgets its gate", operator: "Mul", operand: 0, factor: 0 },
  { name: "image features that get no gradient", operator: "ScatterND", operand: 1, factor: 0 },
  { name: "queries, keys and values 1% too small", operator: "Split", operand: 0, factor: 0.99 },
];

/** As `gradients`, but the rules of one operator give a wrong gradient for one operand. */
function faulty({ operator, operand, factor }: Mutation): typeof gradients {
  return (scalar, wrt) => {
    let hits = 0;
    const { tape } = scalar.graph;
    for (const [i, entry] of tape.entries()) {
      if (!entry.outputs.some((t) => t.name.startsWith(`${operator}_`)) || entry.inputs.length <= operand)
        continue;
      hits++;
      tape[i] = {
        ...entry,
        vjp: (outputGradients) =>
          entry
            .vjp(outputGradients)
            .map((g, k) => (k === operand && g !== undefined ? spoilt(g, factor) : g)),
      };
    }
    if (hits === 0) throw new Error(`no rule makes a ${operator} with ${operand + 1} operands`);
    return gradients(scalar, wrt);
  };
}

/** The tape is walked while it is read: what is appended here must not be recorded. */
function spoilt(gradient: Tensor, factor: number): Tensor {
  const { tape } = gradient.graph;
  const length = tape.length;
  const result = scale(gradient, factor);
  tape.length = length;
  return result;
}

async function gradientsOf(modelCase: ModelCase, mutation: Mutation | undefined): Promise<void> {
  const { engine, results, summary } = await goldenCase(modelCase);
  const fault = mutation === undefined ? undefined : faulty(mutation);
  const datums = caseDatums(modelCase, engine.codec);
  if (fault !== undefined) {
    const { trainer } = engine as unknown as {
      trainer: { sessions: Map<string, Promise<CompiledGraph>> };
    };
    const graph = trainingGraph(engine.files.config, "crossEntropy", true, fault);
    trainer.sessions.set("crossEntropy/true", compile(graph, 1));
  }
  try {
    await checkGradients(engine, modelCase, datums, results, summary, new Agreement(), "crossEntropy");
  } finally {
    storeOf(engine).clearGradient();
    await engine.dispose();
  }
}

const [modelCase] = GOLDEN_CASES as readonly [ModelCase];

test("the comparison passes with the rules as they are", async () => {
  await gradientsOf(modelCase, undefined);
});

for (const mutation of MUTATIONS)
  test(`the comparison notices ${mutation.name}`, async () => {
    await assert.rejects(
      gradientsOf(modelCase, mutation),
      /^AssertionError.*gradients \(crossEntropy\) of .* relative error/,
    );
  });
