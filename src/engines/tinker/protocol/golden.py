"""Writes golden.json: messages as the official SDK (`tinker` 0.38.0) encodes them, in hex, with the values that they hold.

    .venv-tinker/bin/python src/engines/tinker/protocol/golden.py

Requests pass through the SDK's own converter; replies are built with its protobuf classes, and what its own decoder makes
of them is asserted before they are written. Maps are written in the order of their keys (deterministic protobuf); an encoder
may use another order, so compare decoded messages, or bytes of messages with one entry per map.
"""

import json
import math
import struct
from pathlib import Path

import numpy as np
import tinker
from tinker import types
from tinker.proto import tinker_public_pb2 as pb
from tinker.proto.request_conv import forward_backward_request_to_proto
from tinker.proto.response_conv import deserialize_forward_backward_output, deserialize_sample_response

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301"
    "0100c9fe92ef0000000049454e44ae426082"
)


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def int32s(*values):
    return struct.pack(f"<{len(values)}i", *values)


def int64s(*values):
    return struct.pack(f"<{len(values)}q", *values)


def dense(dtype, values, shape=None):
    return types.TensorData(data=list(values), dtype=dtype, shape=list(shape or [len(values)]))


def request(model_id, seq_id, loss_fn, data, config=None, forward_only=False):
    """The bytes that the SDK posts to forward_backward."""
    message = forward_backward_request_to_proto(
        types.ForwardBackwardRequest(
            forward_backward_input=types.ForwardBackwardInput(data=data, loss_fn=loss_fn, loss_fn_config=config),
            model_id=model_id,
            seq_id=seq_id,
        )
    )
    message.forward_only = forward_only
    return message.SerializeToString(deterministic=True).hex()


def tensor(dtype, data, shape):
    return {"dtype": dtype, "data": data, "shape": shape}


def text_request():
    datum = types.Datum(
        model_input=types.ModelInput.from_ints([1, 2, 151645, 70000]),
        loss_fn_inputs={
            "target_tokens": dense("int64", [2, 151645, 70000, 5]),
            "weights": dense("float32", [0.0, 1.0, 0.5, -2.0]),
        },
    )
    return {
        "hex": request("s-1:train:0", 1, "cross_entropy", [datum]),
        "values": {
            "model_id": "s-1:train:0",
            "seq_id": 1,
            "loss_fn": "cross_entropy",
            "loss_fn_config": None,
            "forward_only": False,
            "data": [
                {
                    "chunks": [{"type": "encoded_text", "tokens": [1, 2, 151645, 70000]}],
                    "loss_fn_inputs": {
                        "target_tokens": tensor("int64", [2, 151645, 70000, 5], [4]),
                        "weights": tensor("float32", [0.0, 1.0, 0.5, -2.0], [4]),
                    },
                }
            ],
        },
    }


def image_request():
    image = types.ImageChunk(data=PNG, format="png", expected_tokens=2)
    chunks = [types.EncodedTextChunk(tokens=[7, 8]), image, types.EncodedTextChunk(tokens=[9])]
    inputs = {
        "target_tokens": dense("int64", [8, 0, 0, 9, 10]),
        "logprobs": dense("float32", [0.0, 0.0, 0.0, -0.25, -1.5]),
        "advantages": dense("float32", [0.0, 0.0, 0.0, 0.75, 0.75]),
    }
    plain = types.Datum(model_input=types.ModelInput(chunks=chunks), loss_fn_inputs=inputs)
    traced = plain.with_provenance(
        model_input=[
            types.PromptProvenanceSpan(sequence_id="q-1", length=4),
            types.SampledProvenanceSpan(sequence_id="q-1", length=1),
        ],
        loss_fn_inputs=[
            types.PromptProvenanceSpan(sequence_id="q-1", offset=1, length=3),
            types.SampledProvenanceSpan(sequence_id="q-1", length=2),
        ],
    )
    config = {"clip_low_threshold": 0.75, "clip_high_threshold": 1.25}
    datum = {
        "chunks": [
            {"type": "encoded_text", "tokens": [7, 8]},
            {"type": "image", "data_hex": PNG.hex(), "format": "png", "expected_tokens": 2},
            {"type": "encoded_text", "tokens": [9]},
        ],
        "loss_fn_inputs": {
            "target_tokens": tensor("int64", [8, 0, 0, 9, 10], [5]),
            "logprobs": tensor("float32", [0.0, 0.0, 0.0, -0.25, -1.5], [5]),
            "advantages": tensor("float32", [0.0, 0.0, 0.0, 0.75, 0.75], [5]),
        },
    }
    spans = {
        "model_input_spans": [
            {"arm": "prompt_tokens", "sequence_id": "q-1", "offset": 0, "length": 4},
            {"arm": "sampled_tokens", "sequence_id": "q-1", "offset": 0, "length": 1},
        ],
        "loss_fn_input_spans": [
            {"arm": "prompt_tokens", "sequence_id": "q-1", "offset": 1, "length": 3},
            {"arm": "sampled_tokens", "sequence_id": "q-1", "offset": 0, "length": 2},
        ],
    }
    return {
        "hex": request("s-1:train:0", 300, "ppo", [traced, plain], config, forward_only=True),
        "values": {
            "model_id": "s-1:train:0",
            "seq_id": 300,
            "loss_fn": "ppo",
            "loss_fn_config": config,
            "forward_only": True,
            "data": [{**datum, **spans}, datum],
        },
    }


def config_with_text():
    datum = types.Datum(model_input=types.ModelInput.from_ints([3]), loss_fn_inputs={})
    config = {"beta": 0.05, "loss_id": "l-7"}
    return {
        "hex": request("m", 2, "custom", [datum], config),
        "values": {
            "model_id": "m",
            "seq_id": 2,
            "loss_fn": "custom",
            # The map of field 5 holds the numbers only, that of field 7 both.
            "loss_fn_config": config,
            "forward_only": False,
            "data": [{"chunks": [{"type": "encoded_text", "tokens": [3]}], "loss_fn_inputs": {}}],
        },
    }


def sparse_request():
    indices = {"sparse_crow_indices": [0, 1, 3], "sparse_col_indices": [0, 0, 1]}
    datum = types.Datum(
        model_input=types.ModelInput.from_ints([1, 2]),
        loss_fn_inputs={
            "target_tokens": types.TensorData(data=[4, 5, 6], dtype="int64", shape=[2, 2], **indices),
            "weights": types.TensorData(data=[1.0, 0.25, 0.75], dtype="float32", shape=[2, 2], **indices),
        },
    )
    return {
        "hex": request("m", 3, "cross_entropy", [datum]),
        "values": {
            "model_id": "m",
            "seq_id": 3,
            "loss_fn": "cross_entropy",
            "loss_fn_config": None,
            "forward_only": False,
            "data": [
                {
                    "chunks": [{"type": "encoded_text", "tokens": [1, 2]}],
                    "loss_fn_inputs": {
                        "target_tokens": {**tensor("int64", [4, 5, 6], [2, 2]), **indices},
                        "weights": {**tensor("float32", [1.0, 0.25, 0.75], [2, 2]), **indices},
                    },
                }
            ],
        },
    }


def forward_backward_output():
    message = pb.ForwardBackwardOutput(loss_fn_output_type="ArrayRecord")
    message.metrics["loss:sum"] = 3.5
    record = message.loss_fn_outputs.add(type_tag="ArrayRecord", num_datums=2)
    record.fields["logprobs"].CopyFrom(
        pb.BatchedTensor(data=floats(-0.5, -1.25, -2.0), offsets=int64s(0, 8, 12), dtype=pb.DTYPE_FLOAT32)
    )
    record.fields["elementwise_loss"].CopyFrom(
        pb.BatchedTensor(data=floats(0.5, 1.0, 2.0), offsets=int64s(0, 8, 12), dtype=pb.DTYPE_FLOAT32)
    )
    data = message.SerializeToString(deterministic=True)
    decoded = deserialize_forward_backward_output(data)
    assert decoded.metrics == {"loss:sum": 3.5}
    assert [[*each["logprobs"].data] for each in decoded.loss_fn_outputs] == [[-0.5, -1.25], [-2.0]]
    outputs = [
        {"logprobs": tensor("float32", [-0.5, -1.25], [2]), "elementwise_loss": tensor("float32", [0.5, 1.0], [2])},
        {"logprobs": tensor("float32", [-2.0], [1]), "elementwise_loss": tensor("float32", [2.0], [1])},
    ]
    return {
        "hex": data.hex(),
        "values": {"loss_fn_output_type": "ArrayRecord", "loss_fn_outputs": outputs, "metrics": {"loss:sum": 3.5}},
    }


def forward_backward_output_of_other_types():
    """Two records, narrow types and a trailing shape: a server may send them, and the SDK reads them."""
    message = pb.ForwardBackwardOutput(loss_fn_output_type="module:ArrayRecord")
    message.metrics["loss:sum"] = -0.125
    message.metrics["tokens:sum"] = 3.0
    first = message.loss_fn_outputs.add(num_datums=1)
    # bfloat16 is the upper half of a float32: 0xbf80 is -1, 0xc040 is -3.
    first.fields["logprobs"].CopyFrom(
        pb.BatchedTensor(data=bytes.fromhex("80bf40c0"), offsets=int64s(0, 4), dtype=pb.DTYPE_BFLOAT16)
    )
    first.fields["ids"].CopyFrom(
        pb.BatchedTensor(data=int32s(1, -2, 3, 4), offsets=int64s(0, 16), dtype=pb.DTYPE_INT32, trailing_shape=[2])
    )
    second = message.loss_fn_outputs.add(num_datums=1)
    second.fields["logprobs"].CopyFrom(
        pb.BatchedTensor(data=floats(-0.75), offsets=int64s(0, 4), dtype=pb.DTYPE_FLOAT32)
    )
    second.fields["ids"].CopyFrom(
        pb.BatchedTensor(data=int64s(5, 6), offsets=int64s(0, 16), dtype=pb.DTYPE_INT64, trailing_shape=[2])
    )
    data = message.SerializeToString(deterministic=True)
    decoded = deserialize_forward_backward_output(data).loss_fn_outputs
    assert [[*each["logprobs"].data] for each in decoded] == [[-1.0, -3.0], [-0.75]]
    assert [(each["ids"].shape, [*each["ids"].data]) for each in decoded] == [([2, 2], [1, -2, 3, 4]), ([1, 2], [5, 6])]
    outputs = [
        {"logprobs": tensor("float32", [-1.0, -3.0], [2]), "ids": tensor("int64", [1, -2, 3, 4], [2, 2])},
        {"logprobs": tensor("float32", [-0.75], [1]), "ids": tensor("int64", [5, 6], [1, 2])},
    ]
    metrics = {"loss:sum": -0.125, "tokens:sum": 3.0}
    return {
        "hex": data.hex(),
        "values": {"loss_fn_output_type": "ArrayRecord", "loss_fn_outputs": outputs, "metrics": metrics},
    }


def sample_response():
    nan = math.nan
    message = pb.SampleResponse(prompt_logprobs=floats(nan, -0.5, -1.0), prompt_cache_hit_tokens=2)
    message.sequences.add(
        stop_reason=pb.STOP_REASON_STOP, tokens=int32s(11, 151645), logprobs=floats(-0.125, -0.0625)
    )
    message.sequences.add(stop_reason=pb.STOP_REASON_LENGTH, tokens=int32s(12), logprobs=floats(-4.0))
    message.sequences[1].topk_sampled_logprobs.CopyFrom(
        pb.TopkLogprobs(token_ids=int32s(13, 12), logprobs=floats(-0.03125, -4.0), k=2, length=1)
    )
    message.topk_prompt_logprobs.CopyFrom(
        pb.TopkLogprobs(
            token_ids=int32s(0, 0, 21, 22, 23, 0),
            logprobs=floats(-99999.0, -99999.0, -0.5, -1.5, -0.25, -99999.0),
            k=2,
            length=3,
        )
    )
    data = message.SerializeToString(deterministic=True)
    decoded = deserialize_sample_response(data)
    assert decoded.prompt_logprobs == [None, -0.5, -1.0]
    assert decoded.topk_prompt_logprobs == [None, [(21, -0.5), (22, -1.5)], [(23, -0.25)]]
    assert [(each.stop_reason, [*each.tokens]) for each in decoded.sequences] == [
        ("stop", [11, 151645]),
        ("length", [12]),
    ]
    assert np.allclose(decoded.sequences[0].logprobs, [-0.125, -0.0625])
    return {
        "hex": data.hex(),
        "values": {
            "sequences": [
                {"stop_reason": "stop", "tokens": [11, 151645], "logprobs": [-0.125, -0.0625]},
                {
                    "stop_reason": "length",
                    "tokens": [12],
                    "logprobs": [-4.0],
                    "topk_logprobs": [[[13, -0.03125], [12, -4.0]]],
                },
            ],
            "prompt_logprobs": [None, -0.5, -1.0],
            "topk_prompt_logprobs": [None, [[21, -0.5], [22, -1.5]], [[23, -0.25]]],
            "prompt_cache_hit_tokens": 2,
        },
    }


def bare_sample_response():
    message = pb.SampleResponse()
    message.sequences.add(stop_reason=pb.STOP_REASON_STOP, tokens=int32s(5))
    data = message.SerializeToString(deterministic=True)
    assert deserialize_sample_response(data).prompt_logprobs is None
    return {
        "hex": data.hex(),
        "values": {
            "sequences": [{"stop_reason": "stop", "tokens": [5], "logprobs": None}],
            "prompt_logprobs": None,
            "topk_prompt_logprobs": None,
            "prompt_cache_hit_tokens": 0,
        },
    }


def main():
    golden = {
        "sdk": f"tinker {tinker.__version__}",
        "ForwardBackwardRequest": {
            "text": text_request(),
            "imageWithConfigAndSpans": image_request(),
            "configWithText": config_with_text(),
            "sparseTargets": sparse_request(),
        },
        "ForwardBackwardOutput": {
            "twoDatums": forward_backward_output(),
            "twoRecordsOfOtherTypes": forward_backward_output_of_other_types(),
        },
        "SampleResponse": {"everything": sample_response(), "bare": bare_sample_response()},
    }
    path = Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(golden, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
