"""An exported folder by the Auto classes, as any user would load it, answering a question about a picture."""
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

import batches


def run(folder, job):
    exported = folder / job["exported"]
    processor = AutoProcessor.from_pretrained(exported)
    model, info = AutoModelForImageTextToText.from_pretrained(exported, output_loading_info=True)
    inputs = processor.apply_chat_template(
        [
            {"role": "system", "content": job["system"]},
            {
                "role": "user",
                "content": [
                    {"type": "image", "image": batches.picture(folder, job["picture"])},
                    {"type": "text", "text": job["question"]},
                ],
            },
        ],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
    )
    length = inputs["input_ids"].shape[1]
    greedy = model.generate(**inputs, do_sample=False, max_new_tokens=job["maxNewTokens"])
    torch.manual_seed(0)
    sampled = model.generate(**inputs, max_new_tokens=job["maxNewTokens"])  # the folder's own defaults
    (folder / job["resaved"]).mkdir()
    processor.save_pretrained(folder / job["resaved"])
    model.save_pretrained(folder / job["resaved"])
    return {
        "loading": {key: sorted(map(str, value)) for key, value in info.items()},
        "model": type(model).__name__,
        "processor": type(processor).__name__,
        "prompt": inputs["input_ids"][0].tolist(),
        "greedy": greedy[0, length:].tolist(),
        "sampled": sampled[0, length:].tolist(),
        "text": processor.decode(greedy[0, length:]),
    }
