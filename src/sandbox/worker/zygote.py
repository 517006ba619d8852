"""The trusted parent of all sessions: imports and warms the libraries once, then forks a session per order.

Orders come as JSON lines on standard input, events go out as JSON lines on standard output; it never sees images,
code or results: files are handed through as descriptors. Everything it started dies when its input ends, which is also
what happens when the host crashes (without namespaces the kernel's parent-death signal would be too early: it would
leave the daemons and the folder that sessions made).
Started by launch.py as `python -s -B zygote.py SETTINGS_FILE` (or the number of a descriptor) with an environment made by the host (a fixed PYTHONHASHSEED: the
order of sets must not change from run to run, so `-I`, which ignores the variable, cannot be used).
"""

import errno
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[0] = HERE

import isolation  # noqa: E402  (the path above comes first)
import linux  # noqa: E402
import seccomp  # noqa: E402

# What programs about pictures import, so that no session pays for it.
PRELOADED = (
    *("collections", "io", "itertools", "math", "re", "statistics", "textwrap", "time"),
    *("numpy.fft", "numpy.linalg", "numpy.random", "matplotlib.cm", "matplotlib.colors", "matplotlib.gridspec"),
    *("matplotlib.patches", "PIL.ImageChops", "PIL.ImageDraw", "PIL.ImageEnhance", "PIL.ImageFilter", "PIL.ImageFont"),
    *("PIL.ImageOps", "PIL.ImageStat", "PIL.PngImagePlugin", "PIL.JpegImagePlugin"),
)
EXIT_FAULT, EXIT_OUT_OF_MEMORY = 70, 71
REMOVE = shutil.which("rm") or "/bin/rm"


class Refused(Exception):
    """A setting of the user that cannot be; its text is the whole message."""


# Events go where standard output led; what a module prints while it is loaded goes to the errors.
EVENTS = os.dup(1)
os.dup2(2, 1)


def emit(**event):
    try:
        os.write(EVENTS, json.dumps(event).encode() + b"\n")
    except OSError:
        pass  # the host is gone, and the end of our input says so too; or a session has closed its descriptors


class Opener:
    """Opens files by the host's names: itself, or through launch.py where it lives in a view of its own."""

    def __init__(self, descriptor):
        self._socket = None if descriptor is None else socket.socket(fileno=descriptor)

    def open(self, path):
        """A descriptor. Raises OSError."""
        if self._socket is None:
            return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._socket.send(os.fsencode(path))
        answer, descriptors, _, _ = socket.recv_fds(self._socket, 64, 1)
        if descriptors:
            return descriptors[0]
        raise OSError(int(answer or errno.EIO), "")


class Zygote:
    def __init__(self, settings, run_session):
        self.settings = settings
        self.run_session = run_session
        self.separates = settings["launcher"] in ("bubblewrap", "worker")
        self.opener = Opener(settings.get("files"))
        self.pid = os.getpid()
        self.user = (os.geteuid(), os.getegid())
        self.sessions = {}  # pid -> (number, scratch folder or None)
        self.numbers = {}  # number -> pid
        self.mailboxes = {}  # number -> our end of the socket on which a session gets its files
        self.ordered = set()  # pids of sessions that the host ended
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
        operation, number = order["op"], order["session"]
        if operation == "fork":
            self.fork(order)
        elif operation == "files":
            self.hand_over(number, order["paths"])
        elif number in self.numbers:
            pid = self.numbers[number]
            if operation == "kill":
                self.reap()  # one that has ended by itself is to be reported so
                if pid in self.sessions:
                    self.ordered.add(pid)
                    self.kill(pid)
            elif operation == "freeze":
                os.kill(pid, signal.SIGSTOP)
            elif operation == "thaw":
                os.kill(pid, signal.SIGCONT)

    def fork(self, order):
        """One session more. A failure of the kernel to separate it is the session's end, with a reason."""
        if order["video"]:
            preload_video()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order["files"] = theirs
        try:
            pid = linux.fork_into(isolation.NAMESPACES) if self.separates else os.fork()
        except OSError as error:
            ours.close()
            theirs.close()
            emit(event="exit", session=order["session"], status=EXIT_FAULT, ordered=False, reason=str(error))
            return
        if pid == 0:
            self.become_session(order)
        theirs.close()
        self.sessions[pid] = (order["session"], order["scratch"])
        self.numbers[order["session"]] = pid
        self.mailboxes[order["session"]] = ours
        emit(event="forked", session=order["session"], pid=pid)

    def hand_over(self, number, paths):
        """Sends a session its files in order, each a descriptor or the number of the error, and nothing afterwards."""
        mailbox = self.mailboxes.pop(number, None)
        if mailbox is None:
            return
        try:
            for path in paths:
                try:
                    descriptor = self.opener.open(path)
                except (OSError, ValueError) as error:  # a ValueError is a path that no file can have
                    mailbox.send(str(getattr(error, "errno", None) or errno.EINVAL).encode())
                    continue
                try:
                    socket.send_fds(mailbox, [b"0"], [descriptor])
                finally:
                    os.close(descriptor)
        except OSError:
            pass  # the session is gone; its end is reported on its own
        mailbox.close()

    def become_session(self, order):
        try:
            signal.set_wakeup_fd(-1)
            order["socket"] = connect(order["socket"])
            if self.separates:
                self.separate(order["session"])
            else:
                linux.die_with_parent(self.pid)
            self.run_session(order, self.settings)
        except BrokenPipeError:
            os._exit(0)
        except MemoryError:
            os._exit(EXIT_OUT_OF_MEMORY)
        except BaseException as error:
            # Heard only as long as the session has not put its own files in the place of ours.
            emit(event="fault", session=order["session"], reason=f"{type(error).__name__}: {error}")
            os._exit(EXIT_FAULT)

    def separate(self, number):
        try:
            isolation.separate(self.settings, *self.user)
        except OSError as error:
            emit(event="fault", session=number, reason=str(error))
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
                if number in self.mailboxes:
                    self.mailboxes.pop(number).close()
                kill_group(pid)  # what it started and left there
                if scratch is not None:
                    self.remove(scratch)
                by_order = pid in self.ordered
                self.ordered.discard(pid)
                emit(event="exit", session=number, status=os.waitstatus_to_exitcode(status), ordered=by_order)
                ended = True
        if ended and not self.separates:
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
            self.helpers.add(os.posix_spawn(REMOVE, ["rm", "-rf", "--", scratch], {}))

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
        if not self.separates:  # else launch.py clears up
            os.execv(REMOVE, ["rm", "-rf", "--", self.settings["folder"], self.settings["canaryFolder"]])


def connect(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.connect(path)
    return sock


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
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    if settings.get("dropRoot"):
        linux.become(linux.UNPRIVILEGED)
    if settings["launcher"] in ("bubblewrap", "worker"):
        # Set by them too, but the change of user has cleared it.
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if settings["launcher"] == "landlock":
        settings["readable"] = isolation.readable(settings)
    import matplotlib

    matplotlib.use("Agg")
    set_rc(settings["matplotlibRc"])
    import figures
    import lazy_ticks
    import session

    lazy_ticks.install()
    for name in (*PRELOADED, *settings["preload"]):
        importlib.import_module(name)
    sys.modules["numpy"].random.seed(0)  # every session starts from this state
    figures.install()
    figures.warm()
    if settings["launcher"] != "none":
        seccomp.program(os.uname().machine, 1, True)  # cached, as sessions in namespaces need it
    del sys.path[0]
    for name in [name for name, module in sys.modules.items() if is_ours(module) and name != "__main__"]:
        del sys.modules[name]  # the names are free for programs' own modules
    refuse_threads(settings.get("proc"))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    gc.collect()
    gc.freeze()
    return session.main


def is_ours(module):
    return os.path.dirname(getattr(module, "__file__", None) or "") == HERE


def refuse_threads(proc):
    """A process with threads cannot be forked safely: what they hold stays held in the child."""
    if proc is None:
        return
    task = os.open("self/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
    try:
        threads = len(os.listdir(task)) - 1
    finally:
        os.close(task)
    if threads > 0:
        raise Refused(f"python.packages: loading them must not start threads, but {threads} run; leave out the package "
                      "that does, programs can import it themselves")


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
    source = sys.argv[1]
    with open(int(source) if source.isdigit() else source) as file:
        settings = json.load(file)
    try:
        run_session = prepare(settings)
    except Refused as refused:
        emit(event="refused", message=str(refused))
        sys.exit(1)
    sys.argv[:], sys.orig_argv[:] = [""], [sys.executable]
    zygote = Zygote(settings, run_session)
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
