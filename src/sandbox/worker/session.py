"""One session: a process forked from the zygote that keeps one trajectory's variables and runs its cells in turn."""

import builtins
import ctypes
import errno
import fcntl
import gc
import mmap
import os
import random
import signal
import socket
import sys
import time
import types

import cell
import figures
import frames
import isolation
import matplotlib.pyplot as plt
import numpy as np
import video
import view
from output import Output
from PIL import Image

BALLAST_BYTES = 4 << 20
MIN_SECONDS = 0.001
USEFUL_BYTES = 64 << 20
_malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None


def main(order, settings):
    """Runs in the child until the host closes the connection. `order` is the zygote's fork order, with the connected
    socket and the one on which files come."""
    os.setsid()
    sock, files = _only_sockets(order["socket"], order["files"])
    scratch = order["scratch"] or view.WORKING
    if order["scratch"]:
        os.mkdir(scratch, 0o700)
    os.chdir(scratch)
    sys.path.insert(0, "")  # modules that the program writes
    output = Output(scratch, settings["maxOutputBytes"])
    _environment(scratch)
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
            reply.update(_load(request, files, namespace))
            files.close()
            frames.send(sock, reply)
            continue
        output.begin()
        # The host's clock is this one: what the tidying after the last cell took is not the program's to add.
        seconds = max(MIN_SECONDS, request["until"] - time.monotonic())
        outcome = cell.run(request["code"], request["name"], namespace, seconds, output.flush)
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


def _only_sockets(*socks):
    """Moves the sockets to descriptors 3 and on and closes every other; 0 reads nothing."""
    high = [fcntl.fcntl(sock.detach(), fcntl.F_DUPFD_CLOEXEC, 3 + len(socks)) for sock in socks]
    for place, fd in enumerate(high, 3):
        os.dup2(fd, place, inheritable=False)
    os.closerange(3 + len(socks), os.sysconf("SC_OPEN_MAX"))
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    sys.stdin = open(0, "r", closefd=False)
    return [socket.socket(fileno=place) for place in range(3, 3 + len(socks))]


def _environment(scratch):
    for name in ("HOME", "TMPDIR", "MPLCONFIGDIR"):
        os.environ[name] = scratch
    os.environ.pop("PWD", None)  # bubblewrap's
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


def _load(request, files, namespace):
    """Makes the images and readers of the request. Returns what the reply has to say of the first that cannot be made:
    whose fault it is, and what."""
    for index, (width, height) in enumerate(request["images"]):
        descriptor, error = _next_file(files)
        if descriptor is None:
            return {"fault": "python", "message": f"image {index}: {os.strerror(error)}"}
        with open(descriptor, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pixels:
            namespace[f"image_clue_{index}"] = Image.frombytes("RGB", (width, height), pixels)
    for index, name in enumerate(request["videos"]):
        variable = f"video_clue_{index}"
        try:
            namespace[variable] = video.read(*_next_file(files), variable)
        except video.Unreadable as error:
            return {"fault": "data", "message": f"video {name}: {error}"}
        except ImportError as error:
            return {"fault": "python", "message": f"video {name}: needs PyAV in Python ({error})"}
    return {}


def _next_file(files):
    """The next file that was handed over: (descriptor, None), or (None, error number)."""
    answer, descriptors, _, _ = socket.recv_fds(files, 64, 1)
    if descriptors:
        os.set_inheritable(descriptors[0], False)
        return descriptors[0], None
    return None, int(answer or errno.EIO)
