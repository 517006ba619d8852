"""The few Linux calls of the isolation that Python has no function for, each raising OSError when the kernel refuses."""

import ctypes
import os
import signal
import sys

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND = 1, 2, 4, 8, 4096
MS_MOVE, MS_REC, MS_PRIVATE = 8192, 16384, 1 << 18
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8
MNT_DETACH, AT_RECURSIVE = 2, 0x8000
SYS_MOUNT_SETATTR = 442  # on every architecture
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
_SYS_CLONE = {"x86_64": 56, "aarch64": 220}
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPABILITY_VERSION_3 = 0x20080522
UNPRIVILEGED = 61357  # who a zygote of root becomes; a number that no other program is likely to have

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None
# The same library, but without letting go of the interpreter's lock: a child forked meanwhile would not hold it.
_holding = ctypes.PyDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def prctl(option, value):
    """A process control; does nothing on other systems than Linux."""
    if _libc is not None:
        _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), f"prctl({option})")


def die_with_parent(parent, number=signal.SIGKILL):
    """Has the kernel send `number` to this process when `parent` ends; ends at once if it already has."""
    prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def unshare(flags):
    _check(_libc.unshare(flags), "unshare")


def fork_into(flags):
    """Forks into new namespaces (CLONE_NEW*), with CLONE_NEWPID as the first process there. Returns as `os.fork` does.

    One clone instead of unshare and two forks: half the time. The C library keeps the number of its thread from the last
    fork of its own, so this is for a caller who is a first process, too: both are 1."""
    if os.getpid() != 1 or not flags & CLONE_NEWPID:
        raise ValueError("internal: only the first process of a namespace can be forked into another")
    python = ctypes.pythonapi
    python.PyOS_BeforeFork()
    pid = _holding.syscall(_SYS_CLONE[os.uname().machine], ctypes.c_ulong(flags | signal.SIGCHLD), None, None, None, None)
    error = ctypes.get_errno()
    if pid == 0:
        python.PyOS_AfterFork_Child()
        return 0
    python.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(error, f"clone: {os.strerror(error)}")
    return pid


def mount(source, target, kind=None, flags=0, options=None):
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, options)]
    result = _libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])
    _check(result, f"mount {target}")


def set_mount_attributes(path, attributes, recursive=False):
    """Adds MOUNT_ATTR_* to the mount at `path`, and to those below it (mount_setattr, Linux 5.12)."""
    values = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    at_cwd = ctypes.c_long(-100)
    result = _libc.syscall(SYS_MOUNT_SETATTR, at_cwd, os.fsencode(path), flags, values, ctypes.sizeof(values))
    _check(result, f"mount_setattr {path}")


def unmount(path):
    _check(_libc.umount2(os.fsencode(path), MNT_DETACH), f"umount {path}")


def pivot_root(new_root, old_root):
    """Makes the mount at `new_root` the root; the old one goes to `old_root`, a folder in the new."""
    number = _SYS_PIVOT_ROOT[os.uname().machine]
    _check(_libc.syscall(number, os.fsencode(new_root), os.fsencode(old_root)), "pivot_root")


def sethostname(name):
    _check(_libc.sethostname(name.encode(), len(name)), "sethostname")


def map_user(inside, user, group, proc):
    """Maps one user and one group of the parent user namespace into this process's new one; `proc` is a descriptor of
    a /proc of that parent."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {user} 1"),
        ("gid_map", f"{inside} {group} 1"),
    ):
        file = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)


def drop_capabilities():
    """Gives up every capability, also those a later program could get back."""
    for number in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(number), 0, 0, 0) != 0:
            break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def become(user):
    """From root to an unprivileged user and group of the same number."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    prctl(PR_SET_DUMPABLE, 1)  # else its files in /proc, the user map among them, would stay root's
