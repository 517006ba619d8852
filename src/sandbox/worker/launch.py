"""The host's side of the zygote: puts namespaces around it, hands it the files it asks for, clears up after it.

Started as `python -s -B launch.py SETTINGS_FILE` (JSON, in the folder it names) with `settings["launcher"]`:
- `bubblewrap`: the zygote is started through `bwrap`;
- `worker`: the same namespaces and the same view of the files, made here;
- `landlock`, `none`: the zygote takes this process's place; what isolates a session is set in the session.
With the first two this process stays outside, reads nothing but the zygote's requests for files (which name what the
host ordered: a session cannot reach that socket), and ends with the zygote.
"""

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path[0] = os.path.dirname(os.path.abspath(__file__))

import linux  # noqa: E402  (the path above comes first)
import view  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ZYGOTE = os.path.join(HERE, "zygote.py")
FLAGS = ("-s", "-B")


class Refused(Exception):
    """This launcher cannot be used here; the text says why."""


def main():
    with open(sys.argv[1]) as file:
        settings = json.load(file)
    if settings["launcher"] in ("landlock", "none"):
        os.execv(sys.executable, [sys.executable, *FLAGS, ZYGOTE, sys.argv[1]])
    try:
        make_font_list()
        child, files = start(settings)
    except (Refused, OSError) as error:
        print(error, file=sys.stderr)
        clean(settings)
        os._exit(1)
    guard(child, settings["host"])
    for fd in (0, 1):
        os.close(fd)  # the zygote's alone, so that their ends are seen
    serve_files(files)
    status = child.wait()
    clean(settings)
    os._exit(status if status >= 0 else 128 - status)


def clean(settings):
    """Removes what the host has made for this process; the host may have been killed."""
    for folder in (settings["folder"], settings["canaryFolder"]):
        shutil.rmtree(folder, ignore_errors=True)


def start(settings):
    """Returns the child and our end of the socket for files. The zygote finds descriptors of its own end and of a
    /proc in its settings."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    as_root = os.geteuid() == 0 and is_mapped(linux.UNPRIVILEGED) and may_mount()
    if as_root:
        os.chown(settings["folder"], linux.UNPRIVILEGED, linux.UNPRIVILEGED)
    operations = view.plan(settings["folder"], (HERE, *settings["packageFolders"]))
    kept = [path for kind, _, path in operations if kind == "read-only" and view.beneath(path, [view.SCRATCH])]
    inner = {**settings, "files": theirs.fileno(), "proc": proc, "dropRoot": as_root, "keptInScratch": kept}
    passed = [theirs.fileno(), proc]
    command = [sys.executable, *FLAGS, ZYGOTE, str(text_file(json.dumps(inner), passed))]
    if settings["launcher"] == "worker":
        child = Namespaced(command, operations, passed, as_root)
    else:
        bubblewrap = shutil.which("bwrap", path=settings["searchPath"])
        if bubblewrap is None:
            raise Refused("bubblewrap (bwrap) is not installed")
        arguments = view.bubblewrap_arguments(operations, as_root, lambda text: text_file(text, passed))
        child = subprocess.Popen([bubblewrap, *arguments, *command], pass_fds=passed)
    theirs.close()
    return child, ours


def is_mapped(user):
    """Whether this user exists here: the root of a user namespace may be its only one, and is then an ordinary user."""
    with open("/proc/self/uid_map") as file:
        ranges = [[int(number) for number in line.split()] for line in file]
    return any(first <= user < first + count for first, _, count in ranges)


def may_mount():
    """Whether this root has CAP_SYS_ADMIN: in a container it often has not, and is then an ordinary user, too."""
    with open("/proc/self/status") as file:
        capabilities = next(int(line.split()[1], 16) for line in file if line.startswith("CapEff"))
    return bool(capabilities >> 21 & 1)


def text_file(text, passed):
    file = tempfile.TemporaryFile()
    file.write(text.encode())
    file.seek(0)
    fd = os.dup(file.fileno())
    passed.append(fd)
    return fd


class Namespaced:
    """A child in namespaces of its own, the first process there: when it ends, everything in them does."""

    def __init__(self, command, operations, passed, as_root):
        user, group, proc = os.geteuid(), os.getegid(), passed[1]
        try:
            if not as_root:
                linux.unshare(linux.CLONE_NEWUSER)
                linux.map_user(view.USER, user, group, proc)
            linux.unshare(linux.CLONE_NEWPID)
        except OSError as error:
            raise Refused(f"the kernel does not let this user make namespaces ({error.strerror})") from None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
                linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS)
                linux.sethostname("sandbox")
                view.build(operations)
                for fd in passed:
                    os.set_inheritable(fd, True)
                os.execv(command[0], command)
            except BaseException as error:
                print(f"setting up namespaces failed ({error})", file=sys.stderr)
                os._exit(1)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def guard(child, host):
    """When the host dies, so does the zygote; this process goes on to clear up."""

    def end(_number, _frame):
        try:
            child.kill()
        except ProcessLookupError:
            pass

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != host:
        end(None, None)


def serve_files(files):
    """Opens what the zygote asks for, until it is gone: one path a message, one answer each, with a descriptor or an
    error number."""
    while True:
        try:
            path = files.recv(1 << 16)
        except OSError:
            return
        if not path:
            return
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                socket.send_fds(files, [b"0"], [fd])
            finally:
                os.close(fd)
        except (OSError, ValueError) as error:  # a ValueError is a path that no file can have
            files.send(str(getattr(error, "errno", None) or errno.EINVAL).encode())


def make_font_list():
    """matplotlib writes its list of fonts where only this process may write, once for each environment."""
    folder = os.environ["MPLCONFIGDIR"]
    if any(name.startswith("fontlist") for name in os.listdir(folder)):
        return
    subprocess.run([sys.executable, *FLAGS, "-c", "import matplotlib.font_manager"], check=False)


if __name__ == "__main__":
    main()
