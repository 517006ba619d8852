"""A session as the reference runtime makes it, without the worst of its faults.

A `multiprocessing.Process` forked from a thread of a pool, with two queues; `exec` with redirected standard output;
`plt.show` saves the current figure as PNG and sends it as base64. The input pictures come once, as base64 PNG with the
first call; the reference codes and sends them again with every call, which nobody needs. Everything else is kept, its
slow ends too: a time limit on the queue only, and a `close` that waits on a sentinel which siblings have inherited.
"""

import base64
import contextlib
import ctypes
import io
import multiprocessing
import queue
import signal
import sys

import matplotlib.pyplot as plt
from PIL import Image

JOIN_SECONDS = 5
PR_SET_PDEATHSIG = 1

fork = multiprocessing.get_context("fork")


def serve(requests, replies):
    """The child: runs cells until it is told to end."""
    if sys.platform == "linux":  # ours: nothing may be left when the benchmark itself is killed
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    figures = []

    def show(*args, **kwargs):
        png = io.BytesIO()
        plt.gcf().savefig(png, format="png")
        figures.append(base64.b64encode(png.getvalue()).decode())
        plt.close()

    plt.show = show
    variables = {"__name__": "__main__", "plt": plt}
    while True:
        request = requests.get()
        if request is None:
            return
        code, pictures = request
        for index, text in enumerate(pictures):
            variables[f"image_clue_{index}"] = Image.open(io.BytesIO(base64.b64decode(text)))
        output, error = io.StringIO(), None
        try:
            with contextlib.redirect_stdout(output):
                exec(code, variables)
        except Exception as exception:
            error = str(exception)
        replies.put({"stdout": output.getvalue(), "figures": list(figures), "error": error})
        figures.clear()


class Worker:
    """The parent's side of one session. Its pictures are base64 PNG."""

    def __init__(self, pictures):
        self.pictures = pictures
        self.requests, self.replies = fork.Queue(), fork.Queue()
        self.process = fork.Process(target=serve, args=(self.requests, self.replies), daemon=True)
        self.process.start()

    def execute(self, code, limit_seconds):
        """Returns the worker's reply, or None when none came in time."""
        pictures, self.pictures = self.pictures, ()
        self.requests.put((code, pictures))
        try:
            return self.replies.get(timeout=limit_seconds)
        except queue.Empty:
            return None

    def close(self):
        self.requests.put(None)
        self.process.join(timeout=JOIN_SECONDS)
        if self.process.is_alive():
            self.process.terminate()

    def kill(self):
        """Not the reference's: so that the benchmark leaves nothing behind."""
        self.process.kill()
        for channel in (self.requests, self.replies):
            channel.cancel_join_thread()
            channel.close()
