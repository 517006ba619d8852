"""Reads a log directory with TensorBoard's own code, twice, and prints what it found as JSON.

`python`: the event accumulator, in this process, which also obeys the restart events of a run that went on. `server`: what the
web page is served, once by each of the two loaders (`--load_fast`): the Python one and the data server.
"""

import base64
import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from tensorboard.backend.event_processing import plugin_event_accumulator as event_accumulator
from tensorboard.util import tensor_util

LOGDIR, RUN = sys.argv[1], sys.argv[2]
LOADED_SECONDS = 300


def accumulated():
    accumulator = event_accumulator.EventAccumulator(f"{LOGDIR}/{RUN}", size_guidance={"tensors": 0})
    accumulator.Reload()
    found = {"scalars": {}, "images": {}, "histograms": {}, "texts": {}}
    for tag in accumulator.Tags()["tensors"]:
        metadata = accumulator.SummaryMetadata(tag)
        plugin = metadata.plugin_data.plugin_name
        events = [(event.step, event.wall_time, tensor_util.make_ndarray(event.tensor_proto)) for event in accumulator.Tensors(tag)]
        if plugin == "scalars":
            found["scalars"][tag] = [[step, time, float(value)] for step, time, value in events]
        elif plugin == "images":
            found["images"][tag] = {
                "description": metadata.summary_description,
                "values": [
                    [step, int(value[0]), int(value[1]), base64.b64encode(value[2]).decode()] for step, _, value in events
                ],
            }
        elif plugin == "histograms":
            found["histograms"][tag] = [[step, value.tolist()] for step, _, value in events]
        elif plugin == "text":
            found["texts"][tag] = [[step, [item.decode() for item in value.tolist()]] for step, _, value in events]
    return found


def served(fast, wanted):
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", LOGDIR, "--port", "0", "--host", "127.0.0.1"]
    process = subprocess.Popen(command + ["--load_fast", fast], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        address = None
        for line in process.stderr:
            if "http://" in line:
                address = line[line.index("http://") :].split()[0].rstrip("/")
                break
        if address is None:
            raise SystemExit("TensorBoard did not start")

        def get(path, **query):
            url = f"{address}/data/{path}?{urllib.parse.urlencode(query)}"
            with urllib.request.urlopen(url, timeout=60) as reply:
                return json.load(reply)

        def post(path, body):
            request = urllib.request.Request(f"{address}/data/{path}", json.dumps(body).encode(), {"content-type": "application/json"})
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)

        def read():
            scalars = get("plugin/scalars/tags")[RUN]
            images = get("plugin/images/tags")[RUN]
            histograms = get("plugin/histograms/tags")[RUN]
            texts = get("plugin/text/tags")[RUN]
            experiment = post("plugin/hparams/experiment", {"experimentName": ""})
            sessions = post(
                "plugin/hparams/session_groups",
                {
                    "experimentName": "",
                    "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"],
                    "colParams": [],
                    "startIndex": 0,
                    "sliceSize": 10,
                },
            )
            return {
                "scalars": {tag: [row[1:] for row in get("plugin/scalars/scalars", run=RUN, tag=tag)] for tag in scalars},
                "images": {tag: len(get("plugin/images/images", run=RUN, tag=tag, sample=0)) for tag in images},
                "histograms": {
                    tag: [[row[1], sum(bucket[2] for bucket in row[2])] for row in get("plugin/histograms/histograms", run=RUN, tag=tag)]
                    for tag in histograms
                },
                "texts": {tag: [row["step"] for row in get("plugin/text/text", run=RUN, tag=tag)] for tag in texts},
                "hparams": sorted(info["name"] for info in experiment["hparamInfos"]),
                "values": sessions["sessionGroups"][0]["hparams"],
                "status": [session["status"] for group in sessions["sessionGroups"] for session in group["sessions"]],
            }

        # It loads in the background: what it serves is read again until it has as much as the files hold, the session's end too.
        until = time.time() + LOADED_SECONDS
        while time.time() < until:
            try:
                found = read()
                if counts(found) == wanted and found["status"] == ["STATUS_SUCCESS"]:
                    return found
            except (KeyError, IndexError, urllib.error.HTTPError):
                pass  # nothing of the run has been loaded yet
            time.sleep(0.2)
        return read()
    finally:
        process.kill()
        process.wait()


def counts(found):
    lengths = {
        kind: {tag: len(rows) for tag, rows in found[kind].items()} for kind in ("scalars", "histograms", "texts")
    }
    pictures = {tag: value if isinstance(value, int) else len(value["values"]) for tag, value in found["images"].items()}
    return {**lengths, "images": pictures}


in_files = accumulated()
print(json.dumps({"python": in_files, "server": {fast: served(fast, counts(in_files)) for fast in ("false", "true")}}))
