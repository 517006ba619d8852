"""Tokenizer and chat template of an exported folder, read by Transformers; and the folder as Transformers saves it."""
from tokenizers import Tokenizer
from transformers import AutoProcessor, PreTrainedTokenizerFast

import batches


def run(folder, job):
    exported = folder / job["exported"]
    processor = AutoProcessor.from_pretrained(exported)
    tokenizers = {
        "auto": processor.tokenizer,
        "fast": PreTrainedTokenizerFast(tokenizer_file=str(exported / "tokenizer.json")),
    }
    plain = Tokenizer.from_file(str(exported / "tokenizer.json"))
    result = {"ids": {}, "decoded": {}, "classes": {name: type(t).__name__ for name, t in tokenizers.items()}}
    for name, tokenizer in tokenizers.items():
        result["ids"][name] = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in job["corpus"]]
        result["decoded"][name] = [tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in result["ids"][name]]
    result["ids"]["tokenizers"] = [plain.encode(text, add_special_tokens=False).ids for text in job["corpus"]]
    result["rendered"] = [
        processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
        for messages in job["conversations"]
        for prompt in (False, True)
    ]
    pictures = [batches.picture(folder, p) for p in job["pictures"]]
    inputs = processor(text=[result["rendered"][-1]], images=pictures, return_tensors="pt")
    result["inputIds"] = inputs["input_ids"][0].tolist()
    result["grids"] = inputs["image_grid_thw"].tolist()
    processor.save_pretrained(folder / job["resaved"])
    return result
