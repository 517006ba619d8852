"""The trusted parent of all sessions: imports and warms the libraries once, then forks a session per order.

Orders come as JSON lines on standard input, events go out as JSON lines on standard output; it never sees images,
code or results. Everything it started dies when its input ends, which is also what happens when the host crashes (the
kernel's parent-death signal would be too early: it would leave the daemons and the folder that sessions made).
Started as `python -s -B zygote.py SETTINGS_JSON` with an environment made by the host (a fixed PYTHONHASHSEED: the
order of sets must not change from run to run, so `-I`, which ignores the variable, cannot be used).
"""

import importlib
import json
import os
import select
import signal
import sys
import time
import traceback

sys.path[0] = os.path.dirname(os.path.abspath(__file__))

import isolation  # noqa: E402  (the path above comes first)


# What programs about pictures import, so that no session pays for it.
PRELOADED = (
    *("collections", "io", "itertools", "math", "re", "statistics", "textwrap", "time"),
    *("numpy.fft", "numpy.linalg", "numpy.random", "matplotlib.cm", "matplotlib.colors", "matplotlib.gridspec"),
    *("matplotlib.patches", "PIL.ImageChops", "PIL.ImageDraw", "PIL.ImageEnhance", "PIL.ImageFilter", "PIL.ImageFont"),
    *("PIL.ImageOps", "PIL.ImageStat", "PIL.PngImagePlugin", "PIL.JpegImagePlugin"),
)
EXIT_FAULT, EXIT_OUT_OF_MEMORY = 70, 71


class Refused(Exception):
    """A setting of the user that cannot be; its text is the whole message."""


def emit(**event):
    try:
        os.write(1, json.dumps(event).encode() + b"\n")
    except BrokenPipeError:
        pass  # the host is gone; the end of our input says so too


class Zygote:
    def __init__(self, settings):
        self.settings = settings
        self.pid = os.getpid()
        self.sessions = {}  # pid -> (number, scratch folder)
        self.numbers = {}  # number -> pid
        self.helpers = set()  # pids of running `rm`
        self.wake, wake_writer = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_writer, False)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self):
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        pending = b""
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self.wake in ready:
                os.read(self.wake, 4096)
                self.reap()
            if 0 in ready:
                data = os.read(0, 1 << 16)
                if not data:
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))

    def obey(self, order):
        if order["op"] == "kill":
            if order["session"] in self.numbers:
                self.kill(self.numbers[order["session"]])
            return
        if order["videos"]:
            preload_video()
        pid = os.fork()
        if pid == 0:
            self.become_session(order)
        self.sessions[pid] = (order["session"], order["scratch"])
        self.numbers[order["session"]] = pid

    def become_session(self, order):
        try:
            signal.set_wakeup_fd(-1)
            import session

            session.main(order, self.settings, self.pid)
        except BrokenPipeError:
            os._exit(0)
        except MemoryError:
            os._exit(EXIT_OUT_OF_MEMORY)
        except BaseException:
            os._exit(EXIT_FAULT)

    def kill(self, pid):
        kill_group(pid)
        try:
            os.kill(pid, signal.SIGKILL)  # also when it has no group of its own yet
        except ProcessLookupError:
            pass

    def reap(self):
        ended = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            self.helpers.discard(pid)
            if pid in self.sessions:
                number, scratch = self.sessions.pop(pid)
                del self.numbers[number]
                kill_group(pid)  # what it started and left there
                self.remove(scratch)
                emit(event="exit", session=number, status=os.waitstatus_to_exitcode(status))
                ended = True
        if ended:
            self.kill_strays()

    def kill_strays(self):
        """Ends what sessions left behind: orphans become children of this process (it is their subreaper)."""
        for pid in children():
            if pid not in self.sessions and pid not in self.helpers:
                self.kill(pid)

    def remove(self, scratch):
        try:
            os.rmdir(scratch)
        except FileNotFoundError:
            pass
        except OSError:  # not empty: its content is not ours, leave the walk to a separate process
            self.helpers.add(os.posix_spawn("/bin/rm", ["rm", "-rf", "--", scratch], {}))

    def close(self):
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        while True:
            try:
                ended, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if ended:
                self.sessions.pop(ended, None)
                continue
            for pid in {*self.sessions, *children()}:
                self.kill(pid)
            time.sleep(0.002)
        os.execv("/bin/rm", ["rm", "-rf", "--", self.settings["folder"]])


def preload_video():
    """For the first session with a video and all later ones; the others need neither its time nor its memory."""
    try:
        importlib.import_module("av")
    except ImportError:
        pass  # the session tells


def kill_group(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass  # it is empty


def children():
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def prepare(settings):
    """Everything slow or shared, before the first fork."""
    import gc

    os.umask(0o077)
    isolation.prctl(isolation.PR_SET_CHILD_SUBREAPER, 1)
    import matplotlib

    matplotlib.use("Agg")
    set_rc(settings["matplotlibRc"])
    import figures
    import lazy_ticks
    import session  # noqa: F401

    lazy_ticks.install()
    for name in PRELOADED:
        importlib.import_module(name)
    sys.modules["numpy"].random.seed(0)  # every session starts from this state
    figures.install()
    figures.warm()
    del sys.path[0]
    gc.collect()
    gc.freeze()


def set_rc(values):
    from difflib import get_close_matches

    from matplotlib import rcParams

    for key, value in values.items():
        try:
            rcParams[key] = value
        except KeyError:
            near = get_close_matches(key, list(rcParams), 1)
            remedy = f'did you mean "{near[0]}"?' if near else "matplotlib.rcParams.keys() lists them all"
            raise Refused(f'python.matplotlibRc: matplotlib has no setting "{key}"; {remedy}') from None
        except (TypeError, ValueError) as error:
            rule = str(error).removeprefix(f"Key {key}: ")
            raise Refused(
                f'python.matplotlibRc: "{key}" must have a value that matplotlib takes, got {json.dumps(value)} ({rule})'
            ) from None


def main():
    settings = json.loads(sys.argv[1])
    try:
        prepare(settings)
    except Refused as refused:
        emit(event="refused", message=str(refused))
        sys.exit(1)
    sys.argv[:] = [""]
    zygote = Zygote(settings)
    emit(event="ready", python=sys.version.split()[0])
    try:
        zygote.serve()
    except Exception:
        try:
            traceback.print_exc()
        except OSError:
            pass  # the host is gone
    finally:
        zygote.close()


if __name__ == "__main__":
    main()
