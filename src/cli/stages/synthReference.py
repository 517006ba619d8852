"""Reads an export with LLaMA-Factory's own loader, as `llamafactory-cli train` would, and stops before the training.

Usage: shareGptReference.py FOLDER TRAINING_FILE RESULT [key=value ...]

FOLDER is the working directory, key=value override the training file. RESULT gets, row by row, the token ids, the labels
and the pictures' grids as the collator hands them to the model, and the version of LLaMA-Factory.
"""
import importlib.metadata
import json
import os
import sys

folder, training_file, result, *overrides = sys.argv[1:]
os.chdir(folder)
os.environ["HF_HUB_OFFLINE"] = "1"
# The training file says which arguments exist: LLaMA-Factory refuses keys that it does not know.
sys.argv = ["llamafactory", training_file, *overrides]

from llamafactory.data import SFTDataCollatorWith4DAttentionMask, get_dataset, get_template_and_fix_tokenizer  # noqa: E402
from llamafactory.hparams import get_train_args  # noqa: E402
from llamafactory.model import load_tokenizer  # noqa: E402

model_args, data_args, training_args, finetuning_args, _ = get_train_args()
module = load_tokenizer(model_args)
template = get_template_and_fix_tokenizer(module["tokenizer"], data_args)
dataset = get_dataset(template, model_args, data_args, training_args, stage=finetuning_args.stage, **module)["train_dataset"]
collator = SFTDataCollatorWith4DAttentionMask(
    template=template, model=None, pad_to_multiple_of=None, label_pad_token_id=-100, **module
)
rows = []
for i in range(len(dataset)):
    row = dataset[i]
    batch = collator([dict(row)])
    # Without pictures the collator adds a blank one that no loss depends on, so that all processes go through the tower.
    grids = batch.get("image_grid_thw") if row["images"] else None
    rows.append(
        {
            "inputIds": row["input_ids"],
            "labels": row["labels"],
            "grids": [] if grids is None else grids.tolist(),
            "images": row["images"] or [],
        }
    )
report = {
    "version": importlib.metadata.version("llamafactory"),
    "stage": finetuning_args.stage,
    "finetuning": finetuning_args.finetuning_type,
    "learningRate": training_args.learning_rate,
    "epochs": training_args.num_train_epochs,
    "cutoff": data_args.cutoff_len,
    "rows": rows,
}
with open(result, "w", encoding="utf-8") as file:
    json.dump(report, file)
