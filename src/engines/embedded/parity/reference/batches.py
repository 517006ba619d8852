"""Token sequences with images as a batch for Qwen2_5_VLForConditionalGeneration, built from the parts that the
TypeScript side builds its datums from."""
import numpy
import torch
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil


def picture(folder, image):
    """An RGB picture from the raw bytes that the other side wrote."""
    data = numpy.fromfile(folder / image["file"], dtype=numpy.uint8)
    return Image.fromarray(data.reshape(image["height"], image["width"], 3), "RGB")


def image_processor(limits):
    return Qwen2VLImageProcessorPil(size={"shortest_edge": limits["minPixels"], "longest_edge": limits["maxPixels"]})


def sequence(folder, parts, processor, image_token_id):
    """Tokens, the aligned mask of sampled tokens, log-probabilities, advantages, and the images' patches and grids."""
    tokens, mask, logprobs, advantages, patches, grids = [], [], [], [], [], []
    for part in parts:
        if "image" in part:
            out = processor(images=[picture(folder, part["image"])], return_tensors="pt")
            grid = out["image_grid_thw"]
            count = int(grid.prod()) // processor.merge_size**2
            new, patches, grids = [image_token_id] * count, [*patches, out["pixel_values"]], [*grids, grid]
        else:
            new = part.get("text") or part["sampled"]
        sampled = "sampled" in part
        tokens += new
        mask += [1.0 if sampled else 0.0] * len(new)
        logprobs += part["logprobs"] if sampled else [0.0] * len(new)
        advantages += [part["advantage"] if sampled else 0.0] * len(new)
    return {"tokens": tokens, "mask": mask, "logprobs": logprobs, "advantages": advantages, "patches": patches, "grids": grids}


def padded(sequences, config):
    """Right-padded model inputs, and the aligned weights of the loss."""
    length = max(len(s["tokens"]) for s in sequences)
    pad = config.text_config.pad_token_id or 0

    def rows(key, fill, dtype):
        return torch.tensor([s[key] + [fill] * (length - len(s[key])) for s in sequences], dtype=dtype)

    ids = rows("tokens", pad, torch.long)
    attention = torch.tensor([[1] * len(s["tokens"]) + [0] * (length - len(s["tokens"])) for s in sequences])
    inputs = {
        "input_ids": ids,
        "attention_mask": attention,
        "mm_token_type_ids": (ids == config.image_token_id).int(),
    }
    patches = [p for s in sequences for p in s["patches"]]
    if patches:
        inputs["pixel_values"] = torch.cat(patches)
        inputs["image_grid_thw"] = torch.cat([g for s in sequences for g in s["grids"]])
    weights = {key: rows(key, 0.0, torch.float32) for key in ("mask", "logprobs", "advantages")}
    return inputs, weights


def positions(model, inputs):
    """M-RoPE positions [3, B, T] of get_rope_index."""
    if "image_grid_thw" not in inputs:
        text = (inputs["attention_mask"].cumsum(1) - 1).clamp(min=0)
        return text.unsqueeze(0).expand(3, -1, -1)
    index, _ = model.model.get_rope_index(
        inputs["input_ids"],
        inputs["mm_token_type_ids"],
        image_grid_thw=inputs["image_grid_thw"],
        attention_mask=inputs["attention_mask"],
    )
    return index


def token_logprobs(logits, ids):
    """[B, T]: ln p of each token given the ones before it; 0 for the first."""
    picked = torch.log_softmax(logits[:, :-1], dim=-1).gather(2, ids[:, 1:, None])[..., 0]
    return torch.nn.functional.pad(picked, (1, 0))
