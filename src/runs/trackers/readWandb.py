"""Reads the folders of offline runs with the messages of W&B's own package and prints them as JSON: readWandb.py FOLDER.

The file's framing is LevelDB's log (blocks of 32 KiB; a head of checksum, length and type) behind seven bytes of W&B's own; the
package has no reader for it in Python since 0.20.
"""

import glob
import json
import os
import struct
import sys

from wandb.proto import wandb_internal_pb2

BLOCK = 32768


def records(path):
    data = open(path, "rb").read()
    at, parts = 7, b""
    while at + 7 <= len(data):
        left = BLOCK - at % BLOCK
        if left < 7:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        chunk = data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 2):
            parts = b""
        parts += chunk
        if kind in (1, 4):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            yield record


found = []
for folder in sorted(glob.glob(f"{sys.argv[1]}/wandb/*run-*")):
    entry = {"folder": os.path.basename(folder), "history": [], "config": {}, "exit": None}
    for path in glob.glob(f"{folder}/*.wandb"):
        for record in records(path):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                run = record.run
                entry.update(id=run.run_id, name=run.display_name, project=run.project, job=run.job_type, tags=list(run.tags))
                for item in run.config.update:
                    entry["config"][item.key or ".".join(item.nested_key)] = json.loads(item.value_json)
            elif kind == "history":
                row = {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
                entry["history"].append(row)
            elif kind == "exit":
                entry["exit"] = record.exit.exit_code
    media = glob.glob(f"{folder}/files/media/**/*.*", recursive=True)
    entry["media"] = sorted(os.path.relpath(path, f"{folder}/files") for path in media)
    found.append(entry)
print(json.dumps(found).replace("NaN", "null"))
