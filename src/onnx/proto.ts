// The part of ONNX's protobuf schema that our models use (onnx.proto3, IR version 10), as a protobufjs descriptor.
import protobuf from "protobufjs";

const DESCRIPTOR = {
  nested: {
    Model: {
      fields: {
        irVersion: { type: "int64", id: 1 },
        producerName: { type: "string", id: 2 },
        graph: { type: "Graph", id: 7 },
        opsetImport: { rule: "repeated", type: "Opset", id: 8 },
      },
    },
    Opset: { fields: { domain: { type: "string", id: 1 }, version: { type: "int64", id: 2 } } },
    Graph: {
      fields: {
        node: { rule: "repeated", type: "Node", id: 1 },
        name: { type: "string", id: 2 },
        initializer: { rule: "repeated", type: "Tensor", id: 5 },
        input: { rule: "repeated", type: "ValueInfo", id: 11 },
        output: { rule: "repeated", type: "ValueInfo", id: 12 },
      },
    },
    Node: {
      fields: {
        input: { rule: "repeated", type: "string", id: 1 },
        output: { rule: "repeated", type: "string", id: 2 },
        name: { type: "string", id: 3 },
        opType: { type: "string", id: 4 },
        attribute: { rule: "repeated", type: "Attribute", id: 5 },
        domain: { type: "string", id: 7 },
      },
    },
    Attribute: {
      fields: {
        name: { type: "string", id: 1 },
        f: { type: "float", id: 2 },
        i: { type: "int64", id: 3 },
        ints: { rule: "repeated", type: "int64", id: 8, options: { packed: false } },
        type: { type: "int32", id: 20 },
      },
    },
    Tensor: {
      fields: {
        dims: { rule: "repeated", type: "int64", id: 1, options: { packed: false } },
        dataType: { type: "int32", id: 2 },
        name: { type: "string", id: 8 },
        rawData: { type: "bytes", id: 9 },
      },
    },
    ValueInfo: { fields: { name: { type: "string", id: 1 }, type: { type: "Type", id: 2 } } },
    Type: { fields: { tensorType: { type: "TensorType", id: 1 } } },
    TensorType: { fields: { elemType: { type: "int32", id: 1 }, shape: { type: "TensorShape", id: 2 } } },
    TensorShape: { fields: { dim: { rule: "repeated", type: "Dimension", id: 1 } } },
    Dimension: {
      oneofs: { value: { oneof: ["dimValue", "dimParam"] } },
      fields: { dimValue: { type: "int64", id: 1 }, dimParam: { type: "string", id: 2 } },
    },
  },
};

const modelType = protobuf.Root.fromJSON(DESCRIPTOR).lookupType("Model");

/** Serialises a plain object of the descriptor's shape. @throws when a field has the wrong type. */
export function encodeModel(model: Record<string, unknown>): Uint8Array {
  const problem = modelType.verify(model);
  if (problem !== null) throw new Error(`internal: ONNX model does not fit its schema: ${problem}`);
  return modelType.encode(modelType.fromObject(model)).finish();
}
