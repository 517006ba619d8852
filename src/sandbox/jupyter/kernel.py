"""One session inside a Jupyter kernel: the same cells, pictures and output as in a local session process.

The host ships this module with cell.py, figures.py, lazy_ticks.py, output.py and video.py of ../worker and executes them
in the kernel, in that order and under their own names. Every request is an execute_request whose code only calls
`serve`; what is to be done lies in the request's binary buffers, and the answer goes back in buffers of comm messages:
no text is ever escaped, and a gateway that limits the streams' rate does not limit these.
"""

import asyncio.events
import atexit
import builtins
import faulthandler
import gc
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types

import cell
import figures
import lazy_ticks
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import video
from IPython import get_ipython
from output import Output
from PIL import Image

COMM = "pyvision"
PART_BYTES = 4 << 20  # below the 10 MiB at which WebSocket clients and servers give a message up

state = types.SimpleNamespace(settings=None, folder=None, output=None, namespace=None, loading=None)


def serve():
    """Does what the running execute_request asks for, and answers it."""
    kernel = get_ipython().kernel
    parent = kernel.get_parent()
    request, *buffers = (bytes(buffer) for buffer in parent["buffers"])
    request = json.loads(request)
    pictures = []
    try:
        with _Plain(get_ipython()):
            reply = OPERATIONS[request["op"]](request, buffers)
        if request["op"] == "run":
            pictures = figures.capture.pictures
        _answer(kernel, parent, request["nonce"], reply, pictures)
    finally:
        figures.capture.reset()
        faulthandler.cancel_dump_traceback_later()
    if request["op"] == "run":
        gc.collect()  # figures are cycles of objects


class _Plain:
    """An ordinary interpreter for the time of a cell: no running event loop, no names of IPython's, nobody to ask."""

    def __init__(self, shell):
        self._trap = shell.builtin_trap

    def __enter__(self):
        self._trap.deactivate()
        self._input, builtins.input = builtins.input, _no_input
        self._loop = asyncio.events._get_running_loop()
        asyncio.events._set_running_loop(None)
        self._interrupt = signal.getsignal(signal.SIGINT)

    def __exit__(self, *_):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interruption that comes late must not break the answer
        asyncio.events._set_running_loop(self._loop)
        builtins.input = self._input
        self._trap.activate()


def _answer(kernel, parent, nonce, reply, pictures):
    reply["figures"] = [[width, height] for width, height, _ in pictures]
    parts = [json.dumps(reply).encode()]
    for _, _, rgb in pictures:
        view = memoryview(rgb)
        parts += [view[at : at + PART_BYTES] for at in range(0, len(view), PART_BYTES)]
    for number, part in enumerate(parts):
        content = {"comm_id": COMM, "data": {"nonce": nonce, "part": number, "parts": len(parts)}}
        kernel.session.send(
            kernel.iopub_socket, "comm_msg", content, parent=parent, ident=b"comm-pyvision", buffers=[part]
        )


def _setup(request, _buffers):
    """Makes the kernel a session without images. Once."""
    state.settings = settings = request["settings"]
    fault = _set_rc(settings["matplotlibRc"])
    if fault is not None:
        return {"fault": "python", "message": fault}
    state.folder = folder = tempfile.mkdtemp(prefix="pyvision-")
    _remove_at_end(folder)
    os.chdir(folder)
    for name in ("HOME", "TMPDIR"):
        os.environ[name] = folder
    tempfile.tempdir = None
    # The kernel's own streams stay open, for the threads that read them.
    state.streams = (sys.stdout, sys.stderr, os.dup(1), os.dup(2))
    state.null = open(os.devnull, "wb")
    sys.stdin = open(os.devnull)
    state.output = Output(folder, settings["maxOutputBytes"])
    _limit_files(settings["maxFileBytes"])
    lazy_ticks.install()
    figures.install()
    figures.warm()
    figures.capture.max_figures = settings["maxFiguresPerCall"]
    figures.capture.max_pixels = settings["maxFigurePixels"]
    for name in ("display", "__IPYTHON__"):
        vars(builtins).pop(name, None)
    module = types.ModuleType("__main__")
    module.__builtins__ = builtins
    module.plt, module.np, module.Image = plt, np, Image
    sys.modules["__main__"] = module
    state.namespace = vars(module)
    sys.argv[:] = [""]
    random.seed(0)
    np.random.seed(0)
    gc.collect()
    gc.freeze()  # what is there now is never garbage; looking at it again after every cell takes 30 ms
    return {}


def _limit_files(size):
    try:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))
    except (ImportError, OSError, ValueError):
        pass  # a server that does not have this limit


def _set_rc(values):
    for key, value in values.items():
        try:
            matplotlib.rcParams[key] = value
        except (KeyError, TypeError, ValueError) as error:
            return f'python.matplotlibRc: the kernel\'s matplotlib does not take "{key}" = {json.dumps(value)} ({error})'
    return None


def _remove_at_end(folder):
    """Removes the folder when this process is gone, however it ends: a shell waits for the end of its input."""
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        state.janitor = subprocess.Popen(
            ["/bin/sh", "-c", 'read -r line; rm -rf -- "$1"', "sh", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    except OSError:
        pass  # no such shell; an orderly end removes the folder all the same


def _load(request, buffers):
    """Takes the next piece of an image's pixels or of a video's file, and makes the variable with the last one."""
    if state.loading is None:
        state.loading = open(os.path.join(state.folder, ".input"), "w+b") if "video" in request else bytearray()
    if "video" in request:
        return _load_video(request, buffers[0])
    state.loading += buffers[0]
    if request["last"]:
        pixels, state.loading = state.loading, None
        image = Image.frombytes("RGB", (request["width"], request["height"]), bytes(pixels))
        state.namespace[request["name"]] = image
    return {}


def _load_video(request, data):
    # The piece may be longer than the limit of a session's own files.
    _limit_files(max(state.settings["maxFileBytes"], request["size"]))
    state.loading.write(data)
    if not request["last"]:
        return {}
    path, state.loading = state.loading.name, state.loading.close()
    _limit_files(state.settings["maxFileBytes"])
    descriptor = os.open(path, os.O_RDONLY)
    os.unlink(path)  # the reader keeps the descriptor
    try:
        state.namespace[request["name"]] = video.read(descriptor, None, request["name"])
    except video.Unreadable as error:
        return {"fault": "data", "message": f"video {request['video']}: {error}"}
    except ImportError as error:
        return {"fault": "python", "message": f"video {request['video']}: needs PyAV in the kernel's Python ({error})"}
    return {}


def _run(request, _buffers):
    settings, output, seconds = state.settings, state.output, request["seconds"]
    # Ends the process from a thread that needs no Python, should the program not let itself be interrupted at all.
    faulthandler.dump_traceback_later(request["killSeconds"], exit=True, file=state.null)
    output.begin()
    begin = time.monotonic()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    outcome = cell.run(request["code"], request["name"], state.namespace, seconds, output.flush)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.cancel_dump_traceback_later()
    if outcome.get("errorType") == "KeyboardInterrupt" and time.monotonic() - begin >= seconds:
        outcome = {"type": "timeout"}  # the server's interruption, which came where the timer's was not heard
    figures.drop_open()
    text, size = output.take()
    if size >= settings["maxFileBytes"]:
        output.discard()
        if outcome["type"] in ("ok", "pythonError"):
            outcome = {"type": "outputLimit"}
    if figures.capture.dropped:
        most = figures.capture.max_figures
        text += f"[{figures.capture.dropped} more pictures were not shown: one call shows at most {most}]\n"
    return {"outcome": outcome, "stdout": text}


def _no_input(prompt="", /):
    raise EOFError("input() has nobody to ask: the program runs unattended")


OPERATIONS = {"setup": _setup, "load": _load, "run": _run}
