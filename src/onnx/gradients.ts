// Reverse-mode differentiation: walks the tape backwards and appends the gradient expressions to the same graph.
import type { Tensor } from "./graph.ts";
import { add } from "./ops.ts";

/** Gradients of a scalar with respect to `wrt`, in order. @throws when one of them does not influence the scalar. */
export function gradients(scalar: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (scalar.shape.length !== 0)
    throw new Error(
      `internal: gradients of a tensor of shape [${scalar.shape.join(", ")}]; reduce it to a scalar`,
    );
  const graph = scalar.graph;
  const tape = [...graph.tape];
  const needed = reachable(tape, wrt);
  const flowing = new Map<string, Tensor>([[scalar.name, graph.scalar(1)]]);
  for (const entry of tape.reverse()) {
    if (!entry.outputs.some((t) => flowing.has(t.name)) || !entry.inputs.some((t) => needed.has(t.name)))
      continue;
    const inputGradients = entry.vjp(entry.outputs.map((t) => flowing.get(t.name)));
    entry.inputs.forEach((input, i) => {
      const gradient = inputGradients[i];
      if (gradient === undefined || !needed.has(input.name)) return;
      const sofar = flowing.get(input.name);
      flowing.set(input.name, sofar === undefined ? gradient : add(sofar, gradient));
    });
  }
  // The sums above went through the recording `add`; the tape keeps only the forward half.
  graph.tape.length = tape.length;
  return wrt.map((tensor) => {
    const gradient = flowing.get(tensor.name);
    if (gradient === undefined) throw new Error(`internal: ${tensor.name} does not influence the loss`);
    return gradient;
  });
}

/** Names of all tensors that depend on one of `sources`. */
function reachable(
  tape: readonly { inputs: readonly Tensor[]; outputs: readonly Tensor[] }[],
  sources: readonly Tensor[],
): Set<string> {
  const names = new Set(sources.map((t) => t.name));
  for (const entry of tape)
    if (entry.inputs.some((t) => names.has(t.name))) for (const t of entry.outputs) names.add(t.name);
  return names;
}
