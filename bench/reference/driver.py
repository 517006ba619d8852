"""Stands in for the trainer process of the reference: holds the sessions, and measures them where it calls them.

Orders come as JSON lines on standard input and are answered, one line each, on standard output; all times are taken
here, so the way to the benchmark costs the stand-in nothing. A figure's base64 PNG is decoded to pixels inside the
measured time, since pixels are what the model's processor takes; `decodeMs` says how much of it that was.
"""

import base64
import io
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot  # noqa: E402, F401  (loaded before the fork, as in the reference)
import numpy as np  # noqa: E402
import PIL  # noqa: E402
from PIL import Image  # noqa: E402

from worker import Worker  # noqa: E402

POOL_THREADS = 64


def milliseconds_since(start):
    return (time.perf_counter() - start) * 1000


def encode(picture):
    png = io.BytesIO()
    picture.save(png, format="PNG")
    return base64.b64encode(png.getvalue()).decode()


def decode(text):
    with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
        return np.asarray(picture.convert("RGB"))


class Driver:
    def __init__(self):
        self.pool = ThreadPoolExecutor(POOL_THREADS)
        self.sessions = {}
        self.opened = 0
        self.picture = None
        self.text = None

    def versions(self):
        return {
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "pillow": PIL.__version__,
            "matplotlib": matplotlib.__version__,
            "ticksPerSecond": os.sysconf("SC_CLK_TCK"),
        }

    def load(self, path, width, height):
        """The input picture, as raw RGB."""
        with open(path, "rb") as file:
            self.picture = Image.frombytes("RGB", (width, height), file.read())
        self.text = encode(self.picture)
        return {"pngBytes": len(self.text) * 3 // 4}

    def decode_png(self):
        png = base64.b64decode(self.text)
        start = time.perf_counter()
        Image.open(io.BytesIO(png)).load()
        return {"ms": milliseconds_since(start)}

    def start(self, code, limit):
        """One session with the picture until its first call has answered, as the reference's caller waits for it."""

        def job():
            begin = time.perf_counter()
            worker = Worker([encode(self.picture)])
            reply = worker.execute(code, limit)
            return worker, milliseconds_since(begin), reply

        worker, ms, reply = self.pool.submit(job).result()
        return {"session": self.keep(worker), "ms": ms, "ok": reply is not None and reply["error"] is None}

    def open(self, count):
        """Sessions at once, all with the same coded picture."""
        begin = time.perf_counter()
        workers = list(self.pool.map(lambda _: Worker([self.text]), range(count)))
        return {"sessions": [self.keep(worker) for worker in workers], "ms": milliseconds_since(begin)}

    def keep(self, worker):
        self.opened += 1
        self.sessions[self.opened] = worker
        return self.opened

    def call(self, session, code, limit):
        begin = time.perf_counter()
        reply = self.sessions[session].execute(code, limit)
        answered = time.perf_counter()
        figures = [decode(text).shape for text in reply["figures"]] if reply else []
        return {
            "ms": milliseconds_since(begin),
            "decodeMs": milliseconds_since(answered),
            "timedOut": reply is None,
            "error": reply and reply["error"],
            "stdout": reply["stdout"] if reply else "",
            "figures": [[width, height] for height, width, _ in figures],
        }

    def run(self, session, code, limit):
        return self.pool.submit(self.call, session, code, limit).result()

    def batch(self, sessions, code, turns, limit):
        """Trajectories of some calls, all at once on the pool's threads."""

        def trajectory(session):
            return [self.call(session, code, limit) for _ in range(turns)]

        begin = time.perf_counter()
        calls = [call for calls in self.pool.map(trajectory, sessions) for call in calls]
        bad = [call for call in calls if call["timedOut"] or call["error"] is not None]
        return {
            "ms": milliseconds_since(begin),
            "calls": len(calls),
            "failed": len(bad),
            "figures": sum(len(call["figures"]) for call in calls),
        }

    def close(self, sessions, limit):
        """One after another, as the reference does; given up after `limit` seconds."""
        begin, closed = time.perf_counter(), 0
        for session in sessions:
            if time.perf_counter() - begin > limit:
                break
            self.sessions[session].close()
            closed += 1
        ms = milliseconds_since(begin)
        self.kill(sessions)
        return {"ms": ms, "closed": closed}

    def kill(self, sessions):
        workers = [self.sessions.pop(session) for session in sessions]
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.process.join()
        return {}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what C code of a session prints must not look like an answer
    driver = Driver()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = getattr(driver, order.pop("op"))(**order)
        except Exception as exception:
            answer = {"fault": f"{type(exception).__name__}: {exception}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    driver.kill(list(driver.sessions))
    os._exit(0)


if __name__ == "__main__":
    main()
