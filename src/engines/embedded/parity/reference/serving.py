"""Checkpoints that the TypeScript side wrote: loaded strictly, run over whole sequences, and greedy generation."""
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

import batches


def run(folder, job):
    return [check(folder, model) for model in job["models"]]


def check(folder, job):
    model, info = Qwen2_5_VLForConditionalGeneration.from_pretrained(
        folder / job["checkpoint"], output_loading_info=True, dtype=torch.float32, attn_implementation="eager"
    )
    model.eval()
    processor = batches.image_processor(job["limits"])
    logprobs = []
    for parts in job["episodes"]:
        one = batches.sequence(folder, parts, processor, model.config.image_token_id)
        inputs, weights = batches.padded([one], model.config)
        with torch.no_grad():
            logits = model(**inputs, use_cache=False).logits
        scores = batches.token_logprobs(logits, inputs["input_ids"])[0]
        logprobs.append(scores[weights["mask"][0] == 1].tolist())
    return {
        "loading": {key: sorted(map(str, value)) for key, value in info.items()},
        "parameters": sum(p.numel() for p in model.parameters()),
        "logprobs": logprobs,
        "greedy": [generate(folder, model, processor, parts, job) for parts in job["prompts"]],
    }


def generate(folder, model, processor, parts, job):
    one = batches.sequence(folder, parts, processor, model.config.image_token_id)
    inputs, _ = batches.padded([one], model.config)
    out = model.generate(
        **inputs, do_sample=False, max_new_tokens=job["maxNewTokens"], suppress_tokens=job["suppressed"]
    )
    return out[0, inputs["input_ids"].shape[1] :].tolist()
