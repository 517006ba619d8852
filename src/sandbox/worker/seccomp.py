"""The system call filter of a session: a list of what Python, its numeric libraries and threads need; the rest is refused.

`install` puts it on the calling process for good; every later thread has it too. What is not on the list (syscalls.py)
fails with EPERM, so that a program gets a PermissionError and may go on. Refused are, with all that follows from them:

- new processes and programs: fork, vfork, execve, clone without CLONE_THREAD (subprocess, multiprocessing, os.system);
- sockets, but for connected pairs of streams (asyncio needs one) and descriptors that are already there;
- signals to any other process, by kill, as the owner of a descriptor, or by a queue;
- a kernel's less trodden ground: namespaces, mounts, io_uring, bpf, perf, keys, userfaultfd, ptrace, memfd, System V and
  POSIX message queues, splice, inotify, extended attributes, out-of-band data, special files, and what it will get later.

The filter sees numbers, never what a pointer points to: it cannot tell paths apart. That is for the mount table or Landlock.
"""

import ctypes
import errno
import functools
import os
import socket
import struct

import syscalls

PR_SET_NO_NEW_PRIVS, PR_SET_NAME, PR_GET_NAME = 38, 15, 16
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC = 1, 1
MAX_INSTRUCTIONS = 4096

# Classic BPF: (code, k, jump if true, jump if false); jumps count the instructions that are skipped.
LOAD, JUMP, JUMP_EQUAL, JUMP_NOT_LESS, AND, RETURN = 0x20, 0x05, 0x15, 0x35, 0x54, 0x06
ALLOW, KILL = [(RETURN, 0x7FFF0000, 0, 0)], [(RETURN, 0x80000000, 0, 0)]
# Offsets in struct seccomp_data; an argument is 64 bits wide, little-endian.
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
X32_BIT = 0x40000000  # the same calls again, with other types

CLONE_THREAD = 0x00010000
# VM, FS, FILES, SIGHAND, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID, DETACHED, CHILD_SETTID: what makes threads.
CLONE_WITH_THREADS = 0x00000F00 | 0x00040000 | 0x00080000 | 0x00100000 | 0x00200000 | 0x00400000 | 0x01000000
# FIOCLEX, FIONCLEX (tempfile), FIONBIO, FIONREAD, TCGETS, TCGETS2 (isatty), TIOCGWINSZ.
IOCTLS = (0x5451, 0x5450, 0x5421, 0x541B, 0x5401, 0x802C542A, 0x5413)
FICLONE = 0x40049409
# DUPFD, GETFD, SETFD, GETFL, SETFL, GETLK, SETLK, SETLKW, the OFD locks, DUPFD_QUERY, DUPFD_CLOEXEC, GETPIPE_SZ, GET_SEALS.
# Not SETOWN and SETSIG, which have the kernel send any signal to any process of the user; not leases, nor seals.
FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1027, 1030, 1032, 1034)
O_TRUNC, O_ACCMODE, O_WRONLY, O_RDWR = 0o1000, 0o3, 0o1, 0o2
AT_EMPTY_PATH = 0x1000


def install(pid, paths_may_change=True):
    """Puts the filter on this process and all its threads, and sets no_new_privs. There is no way back.

    `pid` is the process's own id as it sees it itself: the only one it may send signals to. Mode, owner and times of a
    file are changed by its path only, never through a descriptor: that of a video is the user's own file. With
    `paths_may_change=False`, for a session that shares the user's file system under Landlock, mode, owner and times of files
    cannot be changed, nor can one be truncated by path or by opening it for reading, since Landlock governs none (or only
    its later versions do). Then os.chmod,
    os.utime, os.truncate(path), shutil.copy, copy2, copytree and tarfile's extraction fail with PermissionError,
    the first three of shutil's after the contents are copied; shutil.copyfile, zipfile and file.truncate() work.

    Raises OSError when the kernel refuses (no CONFIG_SECCOMP_FILTER) and NotImplementedError on another machine.
    """
    machine = os.uname().machine
    code = program(machine, pid, paths_may_change)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0) != 0:
        _fail("prctl(PR_SET_NO_NEW_PRIVS)")
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer)))
    number = ctypes.c_long(syscalls.SECCOMP[MACHINES[machine][0]])
    flags = ctypes.c_ulong(SECCOMP_FILTER_FLAG_TSYNC)
    result = libc.syscall(number, ctypes.c_ulong(SECCOMP_SET_MODE_FILTER), flags, filter_)
    if result > 0:
        raise OSError(errno.ESRCH, f"seccomp: thread {result} has a filter of its own and cannot get this one")
    if result != 0:
        _fail("seccomp(SECCOMP_SET_MODE_FILTER)")


@functools.lru_cache(maxsize=None)
def program(machine, pid, paths_may_change):
    """The filter as bytes (struct sock_filter[]), kept: a zygote that asks before it forks saves its children the work."""
    if machine not in MACHINES:
        raise NotImplementedError(
            f"the system call filter knows {' and '.join(MACHINES)}, not {machine}: it would have to be told its numbers"
        )
    column, architecture = MACHINES[machine]
    verdicts = {}
    for group, verdict_of in _rules(pid, paths_may_change):
        for name, numbers in group.items():
            if numbers[column] is not None:
                assert numbers[column] not in verdicts, name
                verdicts[numbers[column]] = verdict_of(name)
    block = _search(_ranges(verdicts))
    if machine == "x86_64":
        block = _branch(JUMP_NOT_LESS, X32_BIT, KILL, block)
    block = [(LOAD, NUMBER, 0, 0)] + block
    block = [(LOAD, ARCHITECTURE, 0, 0)] + _branch(JUMP_EQUAL, architecture, block, KILL)
    _check(block)
    return b"".join(struct.pack("HBBI", code, yes, no, k) for code, k, yes, no in block)


def _rules(pid, paths_may_change):
    allowed = (
        syscalls.DESCRIPTORS,
        syscalls.PATHS,
        syscalls.MEMORY,
        syscalls.WAITING,
        syscalls.SOCKETS,
        syscalls.THREADS,
        syscalls.SIGNALS,
        syscalls.CLOCKS,
        syscalls.QUESTIONS,
    )
    for group in allowed:
        yield group, lambda _: ALLOW
    yield syscalls.METADATA, lambda _: ALLOW if paths_may_change else _answer(errno.EPERM)
    yield syscalls.CHECKED, _checks(pid, paths_may_change).__getitem__
    yield syscalls.ANSWERED, lambda name: _answer(ANSWERS[name])


# glibc takes clone when there is no clone3; shutil reads and writes when the kernel cannot copy, and copies no attributes.
ANSWERS = dict(
    clone3=errno.ENOSYS,
    sendfile=errno.ENOTSOCK,
    copy_file_range=errno.EXDEV,
    **dict.fromkeys(
        ("getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr"), errno.EOPNOTSUPP
    ),
)


def _checks(pid, paths_may_change):
    """The verdict on each call that depends on its arguments. All of these are 32 bits wide to the kernel."""
    to_itself = _argument(0, (pid,))
    # Truncating needs one of the modes for which Landlock wants the right to write.
    modes = (0, 1, 2, 3, O_TRUNC | O_WRONLY, O_TRUNC | O_RDWR)
    # Only streams: a datagram socket sends to any address, connected or not.
    refused = _answer(errno.EPERM)
    by_path = lambda flags: _argument(flags, (0,), mask=AT_EMPTY_PATH) if paths_may_change else refused  # noqa: E731
    named = lambda then: _argument(1, (0,), then=refused, otherwise=then)  # noqa: E731
    stream_pair = _argument(1, (socket.SOCK_STREAM,), mask=0xF)
    return dict(
        open=ALLOW if paths_may_change else _argument(1, modes, mask=O_TRUNC | O_ACCMODE),
        openat=ALLOW if paths_may_change else _argument(2, modes, mask=O_TRUNC | O_ACCMODE),
        clone=_argument(0, (CLONE_THREAD,), mask=0xFFFFFFFF & ~CLONE_WITH_THREADS),
        kill=to_itself,
        tgkill=to_itself,
        rt_tgsigqueueinfo=to_itself,
        ioctl=_argument(1, IOCTLS, otherwise=_argument(1, (FICLONE,), then=_answer(errno.EOPNOTSUPP))),
        fcntl=_argument(1, FCNTLS),
        prctl=_argument(0, (PR_SET_NAME, PR_GET_NAME)),
        prlimit64=_argument(0, (0, pid)),
        sched_setaffinity=_argument(0, (0, pid)),
        socketpair=_argument(0, (socket.AF_UNIX,), then=stream_pair),
        sendto=_argument(3, (0,), mask=socket.MSG_OOB),
        recvfrom=_argument(3, (0,), mask=socket.MSG_OOB),
        sendmsg=_argument(2, (0,), mask=socket.MSG_OOB),
        recvmsg=_argument(2, (0,), mask=socket.MSG_OOB),
        fchmodat2=by_path(3),
        fchownat=by_path(4),
        futimesat=named(ALLOW) if paths_may_change else refused,
        utimensat=named(by_path(3)),
    )


# A block is a list of instructions that every way through ends in a RETURN, so that blocks can be put one after another.


def _answer(error):
    """The call is not made and fails with this errno."""
    return [(RETURN, 0x00050000 | error, 0, 0)]


def _argument(index, values, mask=None, then=ALLOW, otherwise=None):
    """`then` if the lower half of the argument, masked, is one of the values."""
    block = _answer(errno.EPERM) if otherwise is None else otherwise
    for value in reversed(values):
        block = _branch(JUMP_EQUAL, value, then, block)
    load = [(LOAD, ARGUMENTS + 8 * index, 0, 0)]
    return load + block if mask is None else load + [(AND, mask, 0, 0)] + block


def _branch(test, value, then, otherwise):
    if len(then) <= 255:
        return [(test, value, 0, len(then))] + then + otherwise
    # Too far for the 8 bits of a conditional jump.
    return [(test, value, 1, 0), (JUMP, len(then), 0, 0)] + then + otherwise


def _ranges(verdicts):
    """(first number, verdict) of every run of numbers with one verdict, rising from 0."""
    ranges = []
    for number in range(max(verdicts) + 2):
        verdict = verdicts.get(number, _answer(errno.EPERM))
        if not ranges or ranges[-1][1] != verdict:
            ranges.append((number, verdict))
    return ranges


def _search(ranges):
    """A binary search: about seven comparisons a call. (The kernel remembers which numbers are always allowed.)"""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    return _branch(JUMP_NOT_LESS, ranges[middle][0], _search(ranges[middle:]), _search(ranges[:middle]))


def _check(program):
    """Every instruction is one of ours and leads to another one behind it, or returns."""
    assert len(program) <= MAX_INSTRUCTIONS, "internal: the filter is too long"
    for index, (code, k, yes, no) in enumerate(program):
        if code == RETURN:
            continue
        if code in (JUMP_EQUAL, JUMP_NOT_LESS):
            furthest = index + 1 + max(yes, no)
        else:
            furthest = index + 1 + (k if code == JUMP else 0)
        fits = 0 <= yes <= 255 and 0 <= no <= 255 and 0 <= k <= 0xFFFFFFFF and furthest < len(program)
        assert fits, f"internal: instruction {index} of the filter leads nowhere"


def _fail(call):
    error = ctypes.get_errno()
    raise OSError(error, f"{call}: {os.strerror(error)}")
