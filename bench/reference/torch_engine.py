"""The peer of `pyvision bench engine`: the same checkpoint and batches in PyTorch, as one would write it with
Hugging Face Transformers.

Orders come as JSON lines on standard input and are answered, one line each, on standard output; all times are taken
here. Batches are padded tensors before the clock starts, patches included, so the peer is charged for the model, the
loss, the gradient and the update alone.
"""

import copy
import json
import os
import platform
import sys
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from transformers import Qwen2_5_VLForConditionalGeneration  # noqa: E402

PATCH_VALUES = 3 * 2 * 14 * 14


def milliseconds_since(start):
    return (time.perf_counter() - start) * 1000


def pieces(inputs, weights, lengths, rows):
    """The batch cut into micro-batches, each as wide as its longest row."""
    grids = inputs.get("image_grid_thw")
    patches = 0
    for start in range(0, len(lengths), rows):
        here, width = slice(start, start + rows), max(lengths[start : start + rows])
        part = {key: inputs[key][here, :width] for key in ("input_ids", "attention_mask", "mm_token_type_ids")}
        if grids is not None:
            count = int(grids[here].prod(1).sum())  # one picture a row
            part["image_grid_thw"] = grids[here]
            part["pixel_values"] = inputs["pixel_values"][patches : patches + count]
            patches += count
        yield part, {key: value[here, :width] for key, value in weights.items()}


class Driver:
    def __init__(self):
        self.models = {}
        self.optimizers = {}
        self.batches = {}

    def load(self, checkpoint, threads):
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        self.models["eager"] = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            checkpoint, dtype=torch.float32, attn_implementation="sdpa"
        )
        return {
            "versions": {
                "PyTorch": torch.__version__,
                "Transformers": transformers.__version__,
                "Python": platform.python_version(),
            },
            "threads": torch.get_num_threads(),
            "parameters": sum(p.numel() for p in self.models["eager"].parameters()),
        }

    def batch(self, name, folder):
        """Reads a batch of bench/engine/batches.ts: rows padded on the right."""
        folder = Path(folder)
        job = json.loads((folder / "batch.json").read_text(encoding="utf8"))
        config = self.models["eager"].config
        rows = job["rows"]
        length = max(len(row["tokens"]) for row in rows)

        def padded(key, fill, dtype):
            return torch.tensor([row[key] + [fill] * (length - len(row[key])) for row in rows], dtype=dtype)

        ids = padded("tokens", job["padId"], torch.long)
        attention = [[1] * len(row["tokens"]) + [0] * (length - len(row["tokens"])) for row in rows]
        inputs = {
            "input_ids": ids,
            "attention_mask": torch.tensor(attention),
            "mm_token_type_ids": (ids == config.image_token_id).int(),
        }
        if job["grids"]:
            patches = numpy.fromfile(folder / "patches.f32", dtype=numpy.float32).reshape(-1, PATCH_VALUES)
            inputs["pixel_values"] = torch.from_numpy(patches)
            inputs["image_grid_thw"] = torch.tensor(job["grids"])
        weights = {key: padded(key, 0.0, torch.float32) for key in ("mask", "logprobs", "advantages")}
        self.batches[name] = (inputs, weights, [len(row["tokens"]) for row in rows])
        return {}

    def train(self, batch, compiled, clip, learning_rate, rows):
        """Forward, token mean of the clipped importance ratio, backward, AdamW; `rows` at a time, 0 for all at once."""
        inputs, weights, lengths = self.batches[batch]
        model, optimizer = self.model(compiled).train(), self.optimizer(compiled, learning_rate)
        parts = list(pieces(inputs, weights, lengths, rows or len(lengths)))
        trained = weights["mask"].sum()
        begin, cpu = time.perf_counter(), time.process_time()
        value = 0.0
        for part, weight in parts:
            logits = model(**part, use_cache=False).logits
            targets = part["input_ids"][:, 1:]
            logprobs = torch.log_softmax(logits[:, :-1], dim=-1).gather(2, targets[..., None])[..., 0]
            mask, sampled, advantages = (weight[key][:, 1:] for key in ("mask", "logprobs", "advantages"))
            ratio = torch.exp(logprobs - sampled)
            gain = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
            loss = -(gain * mask).sum() / trained
            loss.backward()
            value += loss.item()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return {"ms": milliseconds_since(begin), "cpuMs": 1000 * (time.process_time() - cpu), "loss": value}

    def sample(self, batch, tokens, compiled, scores):
        """`generate` with its usual cache; no row ever ends early."""
        inputs, _, _ = self.batches[batch]
        model = self.model(compiled).eval()
        options = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
        options |= {"max_new_tokens": tokens, "eos_token_id": None, "pad_token_id": 0}
        if scores:
            options |= {"return_dict_in_generate": True, "output_scores": True}
        begin, cpu = time.perf_counter(), time.process_time()
        out = model.generate(**inputs, **options)
        ms, cpu_ms = milliseconds_since(begin), 1000 * (time.process_time() - cpu)
        sequences = out.sequences if scores else out
        return {"ms": ms, "cpuMs": cpu_ms, "tokens": sequences.shape[0] * (sequences.shape[1] - inputs["input_ids"].shape[1])}

    def matmul(self, size, repeats):
        """Milliseconds of each float32 product of two square matrices."""
        a, b = torch.randn(size, size), torch.randn(size, size)
        times = []
        for _ in range(repeats):
            begin = time.perf_counter()
            torch.mm(a, b)
            times.append(milliseconds_since(begin))
        return {"times": times}

    def model(self, compiled):
        """The compiled one is a copy whose decoder layers are compiled; the vision tower's loops over images are not."""
        if not compiled:
            return self.models["eager"]
        if "compiled" not in self.models:
            model = copy.deepcopy(self.models["eager"])
            model.model.language_model.compile()
            self.models["compiled"] = model
        return self.models["compiled"]

    def optimizer(self, compiled, learning_rate):
        model = self.model(compiled)
        if compiled not in self.optimizers:
            self.optimizers[compiled] = torch.optim.AdamW(model.parameters(), lr=learning_rate, fused=True)
        return self.optimizers[compiled]


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not look like an answer
    driver = Driver()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = getattr(driver, order.pop("op"))(**order)
        except Exception as exception:
            answer = {"fault": f"{type(exception).__name__}: {exception}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
