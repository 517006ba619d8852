"""What is taken away from a session before it runs any model-written code.

Both functions run in the session's process, after the connection to the host is open and before the first request is
read, and cannot be undone: `separate` where it has namespaces of its own, `enter` always.
"""

import os
import resource
import shutil
import sys

import cell
import landlock
import linux
import seccomp
import view

OPEN_FILES = 128
THREADS = 64  # counted in the session's own user namespace
# Counted per user of the whole machine where there is no such namespace: only a stop for floods.
USER_PROCESSES = 4096
SCRATCH_FILES = 4096
OOM_SCORE = 1000  # the first to go when the machine runs out of memory
NAMESPACES = linux.CLONE_NEWUSER | linux.CLONE_NEWPID | linux.CLONE_NEWNS | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
SEMAPHORES = "size=256k,nr_inodes=64"  # multiprocessing's thread pool makes some; too small for anything else


def separate(settings, user, group):
    """Furnishes the namespaces that this process, of the zygote's user and group, was made in: a private scratch folder,
    everything else read-only, the host's socket out of sight. There is no network to take away: the zygote has none."""
    linux.map_user(view.USER, user, group, settings["proc"])
    expendable(settings["proc"])
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    quota = f"mode=0700,size={settings['scratchBytes']},nr_inodes={SCRATCH_FILES}"
    # Made over the host's folder, so that what lies below the old scratch folder can be carried over.
    linux.mount("tmpfs", view.HOST_FOLDER, "tmpfs", flags, quota)
    for path in settings["keptInScratch"]:
        _show_again(path, view.HOST_FOLDER + path.removeprefix(view.SCRATCH))
    linux.mount(view.HOST_FOLDER, view.SCRATCH, None, linux.MS_MOVE)
    os.mkdir(view.WORKING, 0o700)
    linux.mount("tmpfs", view.SHARED_MEMORY, "tmpfs", flags, f"mode=0700,{SEMAPHORES}")
    linux.mount("tmpfs", view.HOST_FOLDER, "tmpfs", flags | linux.MS_RDONLY, "mode=0555,size=4k,nr_inodes=1")


def _show_again(path, place):
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.isdir(path):
        os.mkdir(place)
    else:
        open(place, "x").close()
    linux.mount(path, place, None, linux.MS_BIND | linux.MS_REC)


def enter(settings):
    """Limits, no privileges and, depending on `settings["launcher"]`, the system call filter and Landlock."""
    launcher = settings["launcher"]
    _limit(settings, THREADS if launcher in ("bubblewrap", "worker") else USER_PROCESSES)
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    if launcher == "none":
        return
    linux.drop_capabilities()
    if launcher == "landlock":
        landlock.restrict(settings["readable"], [os.getcwd(), os.devnull])
        _copy_without_modes()
    seccomp.install(os.getpid(), paths_may_change=launcher != "landlock")
    cell.refuses_with_eperm = True


def _copy_without_modes():
    """Landlock does not govern the change of modes and times, so the filter refuses it, also of a file one just made:
    `shutil.copy` would fail when the copy is there already."""
    for name in ("copymode", "copystat"):
        setattr(shutil, name, _tolerant(getattr(shutil, name)))


def _tolerant(function):
    def wrapper(*args, **kwargs):
        try:
            function(*args, **kwargs)
        except PermissionError:
            pass

    return wrapper


def readable(settings):
    """What a session without a file system of its own may read. Takes milliseconds: asked for once, by the zygote."""
    plan = view.plan(settings["folder"], settings["packageFolders"])
    kept = [source for kind, source, target in plan if kind == "read-only" and target != view.HOST_FOLDER]
    return [*kept, *(source for kind, source, _ in plan if kind == "device")]


def expendable(proc):
    """Has the kernel take this process first when memory runs out; `proc` is a descriptor of a /proc."""
    try:
        file = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=proc)
        os.write(file, str(OOM_SCORE).encode())
        os.close(file)
    except OSError:
        pass  # a wish only; the watchdog of the host does not depend on it


def _limit(settings, processes):
    for kind, limit in (
        (resource.RLIMIT_AS, settings["memoryBytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, settings["maxCpuSeconds"]),
        (resource.RLIMIT_FSIZE, settings["maxFileBytes"]),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, processes),
    ):
        hard = resource.getrlimit(kind)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(kind, (limit, limit))
        except ValueError:
            if sys.platform.startswith("linux"):
                raise  # macOS refuses RLIMIT_AS; there the limit is missing
