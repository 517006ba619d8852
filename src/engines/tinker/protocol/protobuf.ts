// The three payloads as protobuf (package tinker_public, proto3). Maps are written in the order of their keys, so that
// equal records give equal bytes.
export { decodeForwardBackwardCallProto, encodeForwardBackwardCallProto } from "./protobufCall.ts";
export { decodeForwardBackwardOutputProto, encodeForwardBackwardOutputProto } from "./protobufOutput.ts";
export { decodeSampleOutputProto, encodeSampleOutputProto } from "./protobufSample.ts";
