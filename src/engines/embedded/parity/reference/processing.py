"""Patches of pictures by both image processors of Transformers: the one on PIL and the one on torchvision."""
import hashlib

import torch
from PIL import Image
from safetensors.torch import save_file
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

import batches

BACKENDS = {"pil": Qwen2VLImageProcessorPil, "torchvision": Qwen2VLImageProcessor}


def run(folder, job):
    results, described = {}, []
    for i, picture in enumerate(job["pictures"]):
        limits = picture["limits"]
        entry = {"sha256": {}}
        for backend, make in BACKENDS.items():
            processor = make(size={"shortest_edge": limits["minPixels"], "longest_edge": limits["maxPixels"]})
            out = processor(images=[batches.picture(folder, picture)], return_tensors="pt")
            pixels = out["pixel_values"].to(torch.float32).contiguous()
            results[f"{backend}.{i}"] = pixels
            entry["sha256"][backend] = hashlib.sha256(pixels.numpy().tobytes()).hexdigest()
            entry[backend] = out["image_grid_thw"][0].tolist()
        results[f"horizontalFirst.{i}"] = horizontal_first(batches.picture(folder, picture), entry["pil"])
        described.append(entry)
    save_file(results, folder / "pixels.safetensors")
    return described


def horizontal_first(image, grid):
    """Patches of the picture when Pillow resamples the width, then the height. Left to itself, Pillow takes that order
    too, but newer versions (12.3 here) may swap it for a picture that grows in width and shrinks in height."""
    width, height = grid[2] * 14, grid[1] * 14
    resized = image.resize((width, image.height), Image.Resampling.BICUBIC)
    resized = resized.resize((width, height), Image.Resampling.BICUBIC)
    out = Qwen2VLImageProcessorPil(do_resize=False)(images=[resized], return_tensors="pt")
    return out["pixel_values"].to(torch.float32).contiguous()
