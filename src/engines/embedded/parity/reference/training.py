"""Random models: their checkpoint, logits, gradients, and weights after three steps of torch.optim.AdamW."""
import copy

import torch
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

import batches


def run(folder, job):
    return {case["name"]: run_case(folder, job, case) for case in job["cases"]}


def run_case(folder, job, case):
    model = random_model(case["config"], case["seed"])
    processor = batches.image_processor(job["limits"])
    save_checkpoint(folder / case["name"], folder / "tokenizer.json", model, processor, case.get("maxShardSize"))
    sequences = [batches.sequence(folder, parts, processor, model.config.image_token_id) for parts in case["sequences"]]
    inputs, weights = batches.padded(sequences, model.config)
    index = batches.positions(model, inputs)
    results = {}
    losses = {}
    with torch.no_grad():
        logits = model(**inputs, position_ids=index, use_cache=False).logits
        logprobs = batches.token_logprobs(logits, inputs["input_ids"])
    for i, s in enumerate(sequences):
        n = len(s["tokens"])
        results[f"logits.{i}"] = logits[i, :n].contiguous()
        results[f"logprobs.{i}"] = logprobs[i, :n].contiguous()
        results[f"positions.{i}"] = index[:, i, :n].to(torch.int32).contiguous()
    # The model finds its positions by itself as well: they must be those of get_rope_index.
    with torch.no_grad():
        own = model(**inputs, use_cache=False).logits
    keep = inputs["attention_mask"].bool()
    assert torch.equal(own[keep], logits[keep]), "the model's own positions differ from get_rope_index"
    for kind in ("crossEntropy", "importanceSampling", "ppo", "cispo"):
        model.zero_grad(set_to_none=True)
        loss = loss_of(model, inputs, index, weights, {**job["loss"], "type": kind})
        loss.backward()
        losses[kind] = loss.item()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                results[f"{kind}.{stored_name(name)}"] = parameter.grad.clone()
    stepped = adamw_on_stored_gradients(copy.deepcopy(model), results, job["adamw"])
    norms = {}
    for kind, adamw in (("default", job["adamw"]), ("update", {**job["adamw"], "epsilon": job["robustEpsilon"]})):
        norms[kind] = adamw_steps(copy.deepcopy(model), inputs, index, weights, job["loss"], adamw, kind, results)
    results.update(stepped)
    save_file(results, folder / f"{case['name']}.safetensors")
    return {"losses": losses, "gradNorms": norms}


def random_model(config, seed):
    """Weights large enough that attention is far from uniform, and nothing at its neutral value."""
    config = Qwen2_5_VLConfig(**config)
    config._attn_implementation = "eager"
    model = Qwen2_5_VLForConditionalGeneration(config).float().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim >= 2:
                fan_in = parameter[0].numel()
                parameter.copy_(noise * (1.2 / fan_in**0.5))
            elif name.endswith("bias"):
                parameter.copy_(0.1 * noise)
            else:
                parameter.copy_(1 + 0.2 * noise)
    return model


def save_checkpoint(target, tokenizer_file, model, processor, max_shard_size):
    model.save_pretrained(target, **({"max_shard_size": max_shard_size} if max_shard_size else {}))
    processor.save_pretrained(target)
    # The tokenizer file as it is: what Transformers makes of it is the text task's business.
    (target / "tokenizer.json").write_bytes(tokenizer_file.read_bytes())


def loss_of(model, inputs, index, weights, loss):
    """The sum of -mask * term over tokens, the mask scaled so that the sum is the mean over sampled tokens."""
    logits = model(**inputs, position_ids=index, use_cache=False).logits
    logprobs = batches.token_logprobs(logits, inputs["input_ids"])
    mask = weights["mask"] / weights["mask"].sum()
    if loss["type"] == "crossEntropy":
        return -(mask * logprobs).sum()
    ratio = torch.exp(logprobs - weights["logprobs"])
    if loss["type"] == "importanceSampling":
        return -(mask * ratio * weights["advantages"]).sum()
    clipped = ratio.clamp(1 - loss["clipLow"], 1 + loss["clipHigh"])
    if loss["type"] == "cispo":
        return -(mask * clipped.detach() * weights["advantages"] * logprobs).sum()
    return -(mask * torch.minimum(ratio * weights["advantages"], clipped * weights["advantages"])).sum()


def optimizer_of(model, p):
    """torch.optim.AdamW: matrices decay, biases and norms do not."""
    matrices = [q for q in model.parameters() if q.ndim >= 2]
    vectors = [q for q in model.parameters() if q.ndim < 2]
    groups = [{"params": matrices, "weight_decay": p["weightDecay"]}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=p["learningRate"], betas=(p["beta1"], p["beta2"]), eps=p["epsilon"], foreach=False)


def fill_missing_gradients(model):
    """A weight that a batch without images does not reach: a gradient of zero, as in our accumulator."""
    for parameter in model.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)


def updates_of(model, before, prefix):
    return {f"{prefix}.{stored_name(n)}": q.detach() - before[n] for n, q in model.named_parameters()}


def copy_of_weights(model):
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def adamw_steps(model, inputs, index, weights, loss, adamw, prefix, results):
    """Three steps of training, alternating the losses. Adds the update of every weight; returns the gradient norms."""
    before = copy_of_weights(model)
    optimizer = optimizer_of(model, adamw)
    norms = []
    for kind in ("crossEntropy", "ppo", "crossEntropy"):
        optimizer.zero_grad(set_to_none=True)
        loss_of(model, inputs, index, weights, {**loss, "type": kind}).backward()
        fill_missing_gradients(model)
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), adamw["maxGradNorm"]).item())
        optimizer.step()
    results.update(updates_of(model, before, prefix))
    return norms


def adamw_on_stored_gradients(model, results, adamw):
    """Three steps on the gradients of the first weights, so that nothing but the optimiser is compared."""
    before = copy_of_weights(model)
    optimizer = optimizer_of(model, adamw)
    for kind in ("crossEntropy", "ppo", "crossEntropy"):
        for name, parameter in model.named_parameters():
            gradient = results.get(f"{kind}.{stored_name(name)}")
            parameter.grad = torch.zeros_like(parameter) if gradient is None else gradient.clone()
        torch.nn.utils.clip_grad_norm_(model.parameters(), adamw["maxGradNorm"])
        optimizer.step()
    return updates_of(model, before, "stepped")


def stored_name(name):
    """A module's name as published checkpoints have it."""
    return name.replace("model.language_model.", "model.").replace("model.visual.", "visual.")
