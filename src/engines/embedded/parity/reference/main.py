"""The reference side of the parity suite: runs one job with Hugging Face Transformers and writes what came out.

Usage: python main.py FOLDER. FOLDER/job.json names the task and its input (see harness.ts); results are written into the
same folder, as JSON and safetensors. Nothing is fetched: every model is made here or lies in FOLDER.
"""
import importlib
import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

# task -> module with `run(folder, job)`
TASKS = {"versions": "versions", "train": "training", "processor": "processing", "text": "text", "serve": "serving", "export": "exported"}


def main() -> None:
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text(encoding="utf8"))
    import torch

    torch.set_num_threads(2)
    result = importlib.import_module(TASKS[job["task"]]).run(folder, job)
    (folder / "result.json").write_text(json.dumps(result, ensure_ascii=False), encoding="utf8")


if __name__ == "__main__":
    main()
