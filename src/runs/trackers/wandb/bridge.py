"""Passes a run on to Weights & Biases through its own Python client.

One JSON object a line comes in, and one goes out for each: {"id", "ok": true, ...} or {"id", "error", "then"}, where `then` is
what the trackers of src/runs/trackers/tracker.ts call it. Everything that the client prints goes to stderr. When the input
ends, so does the run: a process that was killed leaves a finished run behind, never a child.
"""

import base64
import io
import json
import os
import signal
import sys

# Ctrl-C reaches the whole process group, and the run decides when its tracker ends.
signal.signal(signal.SIGINT, signal.SIG_IGN)
out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


class Failure(Exception):
    def __init__(self, then, message):
        super().__init__(message)
        self.then = then


class Bridge:
    def __init__(self):
        self.run = None

    def open(self, order):
        if self.run is not None:
            return {}
        try:
            import wandb
        except ImportError as error:
            raise Failure(
                "stop",
                f"{sys.executable} has no wandb package ({error}); install it with `{sys.executable} -m pip install "
                "wandb pillow`, or name another interpreter in logging.trackers[…].python",
            )
        self.wandb = wandb
        settings = wandb.Settings(console="off", silent=True, disable_git=True, init_timeout=60)
        try:
            self.run = wandb.init(
                project=order["project"],
                entity=order.get("entity"),
                group=order.get("group"),
                job_type=order["stage"],
                id=order["runId"],
                name=order["name"],
                tags=order["tags"],
                config=order["config"],
                dir=order["dir"],
                mode=order["mode"],
                resume="allow",
                settings=settings,
            )
        except wandb.errors.AuthenticationError as error:
            raise Failure("stop", f"{error}; run `wandb login`, set WANDB_API_KEY, or use `mode: offline`")
        except wandb.errors.CommError as error:
            raise Failure("retry", f"W&B cannot be reached: {error}; `mode: offline` needs no network")
        except wandb.errors.UsageError as error:
            raise Failure("stop", f"{error}; run `wandb login`, set WANDB_API_KEY, or use `mode: offline`")
        offline = order["mode"] == "offline" or self.run.offline
        # The next step that the server takes; an offline run asks no server.
        known = self.run.resumed and not offline
        return {
            "where": f"wandb sync {self.run.settings.sync_dir}" if offline else self.run.url,
            "offline": offline,
            "lastStep": max(0, self.run.step - 1) if known else None,
            "version": wandb.__version__,
        }

    def metrics(self, order):
        values = {key: float("nan") if value is None else value for key, value in order["values"].items()}
        self.run.log(values, step=order["step"])

    def histogram(self, order):
        counts, edges = order["counts"], order["edges"]
        self.run.log({order["name"]: self.wandb.Histogram(np_histogram=(counts, edges))}, step=order["step"])

    def text(self, order):
        import html

        page = f"<pre style='white-space: pre-wrap'>{html.escape(order['text'])}</pre>"
        self.run.log({order["name"]: self.wandb.Html(page, inject=False)}, step=order["step"])

    def image(self, order):
        try:
            from PIL import Image
        except ImportError:
            raise Failure(
                "skip",
                "images need Pillow, which this Python does not have; install it with "
                f"`{sys.executable} -m pip install pillow`, or set images: 0",
            )
        picture = Image.open(io.BytesIO(base64.b64decode(order["png"])))
        image = self.wandb.Image(picture, caption=order["caption"], file_type="png")
        self.run.log({order["name"]: image}, step=order["step"])

    def close(self, order):
        self.run.finish(exit_code=0 if order["success"] else 1)
        self.run = None


def main():
    bridge = Bridge()
    for line in sys.stdin:
        order = json.loads(line)
        reply = {"id": order["id"]}
        try:
            reply.update({"ok": True, **(getattr(bridge, order["type"])(order) or {})})
        except Failure as failure:
            reply.update({"error": str(failure), "then": failure.then})
        except Exception as error:
            reply.update({"error": f"{type(error).__name__}: {error}", "then": "skip"})
        print(json.dumps(reply), file=out, flush=True)
    if bridge.run is not None:
        bridge.run.finish(exit_code=1)


main()
