"""One session: a process forked from the zygote that keeps one trajectory's variables and runs its cells in turn."""

import builtins
import ctypes
import gc
import mmap
import os
import random
import signal
import socket
import sys
import types

import cell
import figures
import frames
import isolation
import matplotlib.pyplot as plt
import numpy as np
import video
from output import Output
from PIL import Image

BALLAST_BYTES = 4 << 20
USEFUL_BYTES = 64 << 20
_malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None


def main(order, settings, parent):
    """Runs in the child until the host closes the connection. `order` is the zygote's fork order."""
    os.setsid()
    isolation.die_with_parent(parent)
    sock = _only_socket(order["socket"])
    os.mkdir(order["scratch"], 0o700)
    os.chdir(order["scratch"])
    output = Output(os.path.join(order["scratch"], ".output"), settings["maxOutputBytes"])
    _environment(order["scratch"])
    videos = [video.File(path) for path in order["videos"]]
    isolation.enter(settings)
    frames.send(sock, {"token": order["token"]})
    namespace = _fresh_main()
    figures.capture.max_figures = settings["maxFiguresPerCall"]
    figures.capture.max_pixels = settings["maxFigurePixels"]
    ballast = _ballast()
    while True:
        request = frames.receive(sock)
        if request is None:
            os._exit(0)
        reply = {"id": request["id"], "nonce": request["nonce"]}
        if request["op"] == "open":
            _load_images(request["images"], namespace)
            reply.update(_load_videos(videos, namespace))
            frames.send(sock, reply)
            continue
        output.begin()
        outcome = cell.run(request["code"], request["name"], namespace, request["seconds"], output.flush)
        if outcome["type"] == "outOfMemory":
            ballast.close()  # so that there is room to answer
        figures.drop_open()
        reply["outcome"], reply["stdout"] = _texts(outcome, output, settings)
        reply["last"] = ballast.closed and not _has_room()
        _answer(sock, reply)
        if reply["last"]:
            os._exit(0)
        if ballast.closed:
            ballast = _ballast()


def _texts(outcome, output, settings):
    text, size = output.take()
    if size >= settings["maxFileBytes"]:
        output.discard()
        if outcome["type"] in ("ok", "pythonError"):
            outcome = {"type": "outputLimit"}
    if figures.capture.dropped:
        most = figures.capture.max_figures
        text += f"[{figures.capture.dropped} more pictures were not shown: one call shows at most {most}]\n"
    return outcome, text


def _answer(sock, reply):
    pictures = figures.capture.pictures
    reply["figures"] = [[width, height] for width, height, _ in pictures]
    frames.send(sock, reply, [rgb for _, _, rgb in pictures])
    figures.capture.reset()
    # Figures are cycles of objects; collected after the reply, nobody waits for it.
    gc.collect()
    if _malloc_trim is not None:
        _malloc_trim(0)


def _ballast():
    return mmap.mmap(-1, BALLAST_BYTES)  # takes address space, which is what is limited, but no memory


def _has_room():
    """Whether a program could still do something: variables that fill the memory make a session useless."""
    gc.collect()
    try:
        bytearray(BALLAST_BYTES)
        bytearray(USEFUL_BYTES)
    except MemoryError:
        return False
    return True


def _only_socket(path):
    """Connects to the host, then closes every other descriptor; 0 reads nothing."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(path)
    if sock.fileno() != 3:
        os.dup2(sock.fileno(), 3, inheritable=False)
        sock.detach()
        sock = socket.socket(fileno=3)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    sys.stdin = open(0, "r", closefd=False)
    return sock


def _environment(scratch):
    for name in ("HOME", "TMPDIR", "MPLCONFIGDIR"):
        os.environ[name] = scratch
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed(0)  # Python seeds it anew in a forked child
    builtins.input = _no_input


def _no_input(prompt="", /):
    raise EOFError("input() has nobody to ask: the program runs unattended")


def _fresh_main():
    module = types.ModuleType("__main__")
    module.__builtins__ = builtins
    # The names every program of this kind begins with, so that a policy need not spend tokens on importing them.
    module.plt, module.np, module.Image = plt, np, Image
    sys.modules["__main__"] = module
    return module.__dict__


def _load_images(images, namespace):
    for index, image in enumerate(images):
        size = (image["width"], image["height"])
        with open(image["path"], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pixels:
            namespace[f"image_clue_{index}"] = Image.frombytes("RGB", size, pixels)


def _load_videos(files, namespace):
    """Makes the readers. Returns what the reply has to say of the first that cannot be read: whose fault, and what."""
    for index, file in enumerate(files):
        name = f"video_clue_{index}"
        try:
            namespace[name] = video.read(file, name)
        except video.Unreadable as error:
            return {"fault": "data", "message": f"video {file.name}: {error}"}
        except ImportError as error:
            return {"fault": "python", "message": f"video {file.name}: needs PyAV in Python ({error})"}
    return {}
