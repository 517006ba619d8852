"""The steps that officialSdk.py took, with Transformers and PyTorch.

Reads job.json and result.json in the folder that it is given, loads the checkpoint that was served, and does what each step
says: the loss as the Tinker API defines it (summed over tokens), its gradient, torch.optim.AdamW. Writes reference.json: the
log-probabilities of every position before each step, the loss and the norm of the gradient; and what Transformers makes of
the weights that the SDK downloaded at the end.
"""

import json
import sys
from pathlib import Path

import torch
from PIL import Image
from transformers import Qwen2_5_VLForConditionalGeneration

sys.path.insert(0, str(Path(__file__).parents[2] / "engines/embedded/parity/reference"))
import batches  # noqa: E402
import training  # noqa: E402


class Reference:
    def __init__(self, folder, job):
        self.load(job["model"])
        settings = json.loads((Path(job["model"]) / "preprocessor_config.json").read_text())
        limits = {"minPixels": settings["min_pixels"], "maxPixels": settings["max_pixels"]}
        picture = Image.open(folder / job["picture"]).convert("RGB")
        seen = batches.image_processor(limits)(images=[picture], return_tensors="pt")
        self.pixels, self.grid = seen["pixel_values"], seen["image_grid_thw"]
        self.optimizer = None

    def load(self, checkpoint):
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(checkpoint, attn_implementation="eager")
        self.model = model.float().eval()

    def logprobs(self, chunks):
        """[N, V]: ln p of every token at every position of the input, predicting the next."""
        pad = self.model.config.image_token_id
        tokens = [t for c in chunks for t in (c["tokens"] if "tokens" in c else [pad] * c["image"])]
        ids = torch.tensor([tokens])
        inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "mm_token_type_ids": (ids == pad).int()}
        if any("image" in c for c in chunks):
            inputs |= {"pixel_values": self.pixels, "image_grid_thw": self.grid}
        position_ids = batches.positions(self.model, inputs)
        logits = self.model(**inputs, position_ids=position_ids, use_cache=False).logits[0]
        return torch.log_softmax(logits, dim=-1)

    def loss(self, step, datum, logprobs):
        """The terms of one datum, summed."""
        given = {name: torch.tensor(values) for name, values in datum["inputs"].items()}
        kind = step["loss_fn"]
        if kind == "cross_entropy":
            return -(given["weights"] * logprobs).sum()
        if kind == "custom":
            signs = torch.tensor([1.0, -2.0]).repeat(len(logprobs))[: len(logprobs)]
            return (given["weights"] * signs * torch.exp(logprobs)).sum()
        ratio = torch.exp(logprobs - given["logprobs"])
        advantages = given["advantages"]
        if kind == "importance_sampling":
            return -(ratio * advantages).sum()
        low, high = step["config"]["clip_low_threshold"], step["config"]["clip_high_threshold"]
        if kind == "ppo":
            return -torch.minimum(ratio * advantages, ratio.clamp(low, high) * advantages).sum()
        assert kind == "cispo"
        return -(ratio.clamp(low, high).detach() * advantages * logprobs).sum()

    def take(self, step):
        total, found = 0.0, []
        for datum in step["data"]:
            targets = torch.tensor(datum["inputs"]["target_tokens"])
            with torch.set_grad_enabled(not step["forward_only"]):
                logprobs = self.logprobs(datum["chunks"]).gather(1, targets[:, None])[:, 0]
                loss = self.loss(step, datum, logprobs)
            if not step["forward_only"]:
                loss.backward()
            total += loss.item()
            found.append(logprobs.detach().tolist())
        return {"loss": total, "logprobs": found, "grad_norm": self.step(step["optim"])}

    def step(self, params):
        if params is None:
            return None
        if self.optimizer is None:
            wanted = {"weightDecay": 0.0, "learningRate": 0.0, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8}
            self.optimizer = training.optimizer_of(self.model, wanted)
        matrices, vectors = self.optimizer.param_groups
        for group in (matrices, vectors):
            betas = (params["beta1"], params["beta2"])
            group |= {"lr": params["learning_rate"], "betas": betas, "eps": params["eps"]}
        matrices["weight_decay"] = params.get("weight_decay", 0.0)
        training.fill_missing_gradients(self.model)
        most = params.get("grad_clip_norm", 0.0) or float("inf")
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), most).item()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return norm


def main(folder):
    torch.set_num_threads(2)
    job = json.loads((folder / "job.json").read_text())
    steps = json.loads((folder / "result.json").read_text())["steps"]
    reference = Reference(folder, job)
    out = {"steps": [reference.take(step) for step in steps]}
    reference.load(folder / "downloaded")
    out["downloaded"] = reference.take(steps[-1])["logprobs"]
    (folder / "reference.json").write_text(json.dumps(out))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
