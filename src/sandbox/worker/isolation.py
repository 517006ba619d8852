"""What is taken away from a session before it runs any model-written code.

`enter` is the one place for it: it runs in the forked child, after the connection to the host is open and before the
first frame is read. This level limits resources and privileges; a stronger level (namespaces, a system call filter)
is one more branch here, chosen by `settings["isolation"]`.
"""

import ctypes
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER = 1, 38, 36
OPEN_FILES = 128
# Counted per user, not per session, until sessions have a user namespace of their own: only a stop for fork bombs.
USER_PROCESSES = 4096

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def prctl(option, value):
    """A Linux process control; does nothing elsewhere. Raises OSError when the kernel refuses."""
    if _libc is not None and _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl({option}): {os.strerror(error)}")


def die_with_parent(parent):
    """Has the kernel kill this process when `parent` ends; ends at once if it already has."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def enter(settings):
    if settings["isolation"] != "limits":
        raise ValueError(f"internal: unknown isolation level {settings['isolation']!r}")
    for kind, limit in (
        (resource.RLIMIT_AS, settings["memoryBytes"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, settings["maxFileBytes"]),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, USER_PROCESSES),
    ):
        hard = resource.getrlimit(kind)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        try:
            resource.setrlimit(kind, (limit, limit))
        except ValueError:
            if sys.platform.startswith("linux"):
                raise  # macOS refuses RLIMIT_AS; there the limit is missing
    prctl(PR_SET_NO_NEW_PRIVS, 1)
