// Symbolic tensors and the graph that they grow. Building an expression appends ONNX nodes; differentiable operations
// (ops.ts) also record a vector-Jacobian product, from which gradients.ts grows the backward half of the same graph.
// A dimension is a number or a symbol ("N"), so one compiled session serves every batch size and length.
import { encodeModel } from "./proto.ts";

export type Dim = number | string;
export type Shape = readonly Dim[];
export type ElementType = "float32" | "int64" | "bool";
export type Attribute =
  { readonly int: number } | { readonly float: number } | { readonly ints: readonly number[] };

const ELEMENT_CODES: Record<ElementType, number> = { float32: 1, int64: 7, bool: 9 };
const OPSET = 21;

export interface Tensor {
  readonly graph: Graph;
  readonly name: string;
  readonly type: ElementType;
  readonly shape: Shape;
}

/** Maps the gradients of an operation's outputs to those of its inputs; undefined where none flows. */
export type Vjp = (outputGradients: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];

export interface TapeEntry {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly vjp: Vjp;
}

interface Node extends Record<string, unknown> {
  readonly input: readonly string[];
  readonly output: readonly string[];
}

export class Graph {
  readonly tape: TapeEntry[] = [];
  private readonly nodes: Node[] = [];
  private readonly initializers: Record<string, unknown>[] = [];
  private readonly inputs: Tensor[] = [];
  private readonly outputs: Tensor[] = [];
  private readonly constants = new Map<string, Tensor>();
  private count = 0;

  input(name: string, type: ElementType, shape: Shape): Tensor {
    const tensor: Tensor = { graph: this, name, type, shape };
    this.inputs.push(tensor);
    return tensor;
  }

  /** Marks a tensor as a result of the model, under a name of its own. */
  output(name: string, tensor: Tensor): void {
    const [renamed] = this.append("Identity", [tensor], [tensor], {}, "", [name]);
    this.outputs.push(renamed as Tensor);
  }

  /** A float scalar (shape []), shared between uses. */
  scalar(value: number): Tensor {
    return this.constant(`f${value}`, "float32", [], new Uint8Array(Float32Array.of(value).buffer));
  }

  /** A list of int64, shared between uses. */
  ints(values: readonly number[]): Tensor {
    const data = BigInt64Array.from(values, BigInt);
    return this.constant(`i${values.join(",")}`, "int64", [values.length], new Uint8Array(data.buffer));
  }

  /** A tensor whose values are part of the model: ONNX Runtime lays it out for its kernels once, when it loads them. */
  weights(name: string, values: Float32Array, shape: readonly number[]): Tensor {
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.initializers.push({ name, dims: [...shape], dataType: ELEMENT_CODES.float32, rawData });
    return { graph: this, name, type: "float32", shape };
  }

  /** Appends one ONNX node. Result types and shapes are the caller's promise. */
  append(
    opType: string,
    inputs: readonly Tensor[],
    results: readonly Pick<Tensor, "type" | "shape">[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain = "",
    names: readonly string[] = [],
  ): Tensor[] {
    const outputs = results.map((result, i) => ({
      graph: this,
      name: names[i] ?? `${opType}_${this.count++}`,
      type: result.type,
      shape: result.shape,
    }));
    this.nodes.push({
      opType,
      domain,
      input: inputs.map((t) => t.name),
      output: outputs.map((t) => t.name),
      attribute: Object.entries(attributes).map(([name, a]) =>
        "int" in a
          ? { name, i: a.int, type: 2 }
          : "float" in a
            ? { name, f: a.float, type: 1 }
            : { name, ints: [...a.ints], type: 7 },
      ),
    });
    return outputs;
  }

  /** The serialised ONNX model. */
  toBytes(): Uint8Array {
    return encodeModel({
      irVersion: 10,
      producerName: "pyvision-rl",
      opsetImport: [
        { domain: "", version: OPSET },
        { domain: "com.microsoft", version: 1 },
      ],
      graph: {
        name: "graph",
        node: this.usedNodes(),
        initializer: this.initializers,
        input: this.inputs.map(valueInfo),
        output: this.outputs.map(valueInfo),
      },
    });
  }

  /** Nodes that an output depends on, in order: gradients of what nobody asked for are not computed. */
  private usedNodes(): Node[] {
    const wanted = new Set(this.outputs.map((t) => t.name));
    const used = [...this.nodes].reverse().filter((node) => {
      if (!node.output.some((name) => wanted.has(name))) return false;
      for (const name of node.input) wanted.add(name);
      return true;
    });
    return used.reverse();
  }

  private constant(key: string, type: ElementType, dims: readonly number[], rawData: Uint8Array): Tensor {
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const tensor: Tensor = { graph: this, name: `const_${this.constants.size}`, type, shape: dims };
    this.initializers.push({ name: tensor.name, dims: [...dims], dataType: ELEMENT_CODES[type], rawData });
    this.constants.set(key, tensor);
    return tensor;
  }
}

function valueInfo(tensor: Tensor): Record<string, unknown> {
  const dim = tensor.shape.map((d) => (typeof d === "number" ? { dimValue: d } : { dimParam: d }));
  return {
    name: tensor.name,
    type: { tensorType: { elemType: ELEMENT_CODES[tensor.type], shape: { dim } } },
  };
}
