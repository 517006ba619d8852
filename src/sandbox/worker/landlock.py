"""Landlock: takes all rights to files and TCP ports from a process but those named, without privileges or namespaces.

It decides when something is opened, made, removed or renamed; what is open already stays usable. It does not govern
looking (stat, readlink, listing extended attributes, chdir), mode, owner and times of files, locks, nor sockets other
than TCP and abstract Unix ones: seccomp.install(pid, paths_may_change=False) refuses most of that.
See the kernel's Documentation/userspace-api/landlock.rst.
"""

import ctypes
import errno
import os
import stat
import struct

# The same on every architecture.
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
CREATE_RULESET_VERSION, RULE_PATH_BENEATH = 1, 1
PR_SET_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG, MAKE_SYM = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
# Rights over files by version; the first also has the making of devices, sockets and pipes.
FILE_RIGHTS = {1: (1 << 13) - 1, 2: REFER, 3: TRUNCATE, 5: IOCTL_DEV}
TCP_RIGHTS = 0b11  # to bind and to connect, since version 4
SCOPES = 0b11  # abstract Unix sockets and signals stay inside, since version 6
LOG_NOTHING = 1  # since version 7 what is refused would go to the machine's audit log: a program could flood it

READ = READ_FILE | READ_DIR
WRITE = (
    READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SYM | REFER | TRUNCATE
)
ON_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV


def supported():
    """The kernel's version of Landlock (1 in Linux 5.13, 3 in 6.2, 6 in 6.12); 0 when it has none or it is off."""
    version = _libc().syscall(
        ctypes.c_long(CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint32(CREATE_RULESET_VERSION)
    )
    return max(version, 0)


def restrict(read_paths, write_paths):
    """Lets this process, which must have one thread only, and its later threads and children read what is beneath
    `read_paths` (shared libraries load, programs do not start), also write, make, remove and rename beneath
    `write_paths`, and no more; for good. Sets no_new_privs. Paths are existing folders or files.

    Below version 2 nothing can be renamed from one folder to another; below 3 files that can be read can be truncated
    by path (see seccomp); below 4, 5 and 6 TCP, ioctl on devices, and abstract sockets with signals are not governed.
    Raises OSError: ENOSYS without Landlock, or with the path that cannot be opened.
    """
    version = supported()
    if version == 0:
        raise OSError(errno.ENOSYS, "the kernel has no Landlock (Linux 5.13 or later, with landlock among its lsm=)")
    governed = sum(rights for since, rights in FILE_RIGHTS.items() if since <= version)
    attributes = struct.pack("Q", governed)
    if version >= 4:
        attributes += struct.pack("Q", TCP_RIGHTS)
    if version >= 6:
        attributes += struct.pack("Q", SCOPES)
    ruleset = _call("landlock_create_ruleset", CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    try:
        for rights, paths in ((READ, read_paths), (WRITE, write_paths)):
            for path in paths:
                _allow(ruleset, path, rights & governed)
        if _libc().prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0) != 0:
            _fail("prctl(PR_SET_NO_NEW_PRIVS)")
        flags = LOG_NOTHING if version >= 7 else 0
        _call("landlock_restrict_self", RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(flags))
    finally:
        os.close(ruleset)


def _allow(ruleset, path, rights):
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= ON_A_FILE
        rule = struct.pack("=Qi", rights, place)
        _call(
            "landlock_add_rule", ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(RULE_PATH_BENEATH), rule, ctypes.c_uint32(0)
        )
    finally:
        os.close(place)


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _call(name, number, *arguments):
    result = _libc().syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        _fail(name)
    return result


def _fail(call):
    error = ctypes.get_errno()
    raise OSError(error, f"{call}: {os.strerror(error)}")
