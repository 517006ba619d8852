"""Numbers of the system calls a session may use on Linux: name=(x86_64, aarch64).

From the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h; None where the
architecture never had the call. What is named nowhere here is refused. A group says why its calls are needed.
"""

# On open descriptors.
DESCRIPTORS = dict(
    read=(0, 63), write=(1, 64), close=(3, 57), close_range=(436, 436), lseek=(8, 62), fstat=(5, 80),
    pread64=(17, 67), pwrite64=(18, 68), readv=(19, 65), writev=(20, 66), preadv=(295, 69),
    pwritev=(296, 70), preadv2=(327, 286), pwritev2=(328, 287), dup=(32, 23), dup2=(33, None),
    dup3=(292, 24), pipe=(22, None), pipe2=(293, 59), fsync=(74, 82), fdatasync=(75, 83),
    ftruncate=(77, 46), fallocate=(285, 47), fadvise64=(221, 223), flock=(73, 32), fchdir=(81, 50),
    fstatfs=(138, 44), getdents=(78, None), getdents64=(217, 61),
)

# Files by path: which ones is for the mount table or Landlock to say.
PATHS = dict(
    stat=(4, None), lstat=(6, None), newfstatat=(262, 79), statx=(332, 291), access=(21, None),
    faccessat=(269, 48), faccessat2=(439, 439), readlink=(89, None), readlinkat=(267, 78),
    statfs=(137, 43), creat=(85, None), mkdir=(83, None), mkdirat=(258, 34), rmdir=(84, None),
    unlink=(87, None), unlinkat=(263, 35), rename=(82, None), renameat=(264, 38), renameat2=(316, 276),
    link=(86, None), linkat=(265, 37), symlink=(88, None), symlinkat=(266, 36), getcwd=(79, 17),
    chdir=(80, 49), umask=(95, 166),
)

# Mode, owner and times, which Landlock does not govern; and truncation, which it governs since its third version.
METADATA = dict(
    chmod=(90, None), fchmodat=(268, 53), chown=(92, None), lchown=(94, None), utime=(132, None),
    utimes=(235, None), truncate=(76, 45),
)

# Memory.
MEMORY = dict(
    mmap=(9, 222), munmap=(11, 215), mprotect=(10, 226), mremap=(25, 216), madvise=(28, 233),
    msync=(26, 227), brk=(12, 214),
)

# Waiting for descriptors.
WAITING = dict(
    poll=(7, None), ppoll=(271, 73), select=(23, None), pselect6=(270, 72), epoll_create=(213, None),
    epoll_create1=(291, 20), epoll_ctl=(233, 21), epoll_wait=(232, None), epoll_pwait=(281, 22),
    epoll_pwait2=(441, 441), eventfd=(284, None), eventfd2=(290, 19), timerfd_create=(283, 85),
    timerfd_settime=(286, 86), timerfd_gettime=(287, 87), signalfd=(282, None), signalfd4=(289, 74),
)

# Connected pairs of sockets, the connection to the host among them.
SOCKETS = dict(
    shutdown=(48, 210), getsockname=(51, 204), getpeername=(52, 205), getsockopt=(55, 209),
)

# Threads and the end of them, and of the process.
THREADS = dict(
    futex=(202, 98), set_robust_list=(273, 99), set_tid_address=(218, 96), rseq=(334, 293),
    sched_yield=(24, 124), exit=(60, 93), exit_group=(231, 94), wait4=(61, 260), waitid=(247, 95),
)

# Signal handlers and clocks. restart_syscall continues a sleep after SIGSTOP and SIGCONT.
SIGNALS = dict(
    rt_sigaction=(13, 134), rt_sigprocmask=(14, 135), rt_sigreturn=(15, 139), rt_sigpending=(127, 136),
    rt_sigtimedwait=(128, 137), rt_sigsuspend=(130, 133), sigaltstack=(131, 132), pause=(34, None),
    restart_syscall=(219, 128), alarm=(37, None), getitimer=(36, 102), setitimer=(38, 103),
)

# What time it is, and sleeping.
CLOCKS = dict(
    clock_gettime=(228, 113), clock_getres=(229, 114), clock_nanosleep=(230, 115), nanosleep=(35, 101),
    gettimeofday=(96, 169), time=(201, None), times=(100, 153),
)

# What the process may know about itself and the machine.
QUESTIONS = dict(
    getpid=(39, 172), getppid=(110, 173), gettid=(186, 178), getpgrp=(111, None), getpgid=(121, 155),
    getsid=(124, 156), getuid=(102, 174), geteuid=(107, 175), getgid=(104, 176), getegid=(108, 177),
    getresuid=(118, 148), getresgid=(120, 150), getgroups=(115, 158), getrlimit=(97, 163),
    setrlimit=(160, 164), getrusage=(98, 165), getpriority=(140, 141), sched_getaffinity=(204, 123),
    sched_getparam=(143, 121), sched_getscheduler=(145, 120), sched_get_priority_max=(146, 125),
    sched_get_priority_min=(147, 126), sched_rr_get_interval=(148, 127), getcpu=(309, 168),
    uname=(63, 160), sysinfo=(99, 179), getrandom=(318, 278),
)

# Allowed with some arguments only: seccomp.py says which.
CHECKED = dict(
    open=(2, None), openat=(257, 56), clone=(56, 220), kill=(62, 129), tgkill=(234, 131),
    rt_tgsigqueueinfo=(297, 240), ioctl=(16, 29), fcntl=(72, 25), prctl=(157, 167), prlimit64=(302, 261),
    sched_setaffinity=(203, 122), socketpair=(53, 199), sendto=(44, 206), recvfrom=(45, 207),
    sendmsg=(46, 211), recvmsg=(47, 212), fchmodat2=(452, 452), fchownat=(260, 54), futimesat=(261, None),
    utimensat=(280, 88),
)

# Not done, but answered in a way that makes its callers go another: seccomp.py says how.
ANSWERED = dict(
    clone3=(435, 435), sendfile=(40, 71), copy_file_range=(326, 285), getxattr=(191, 8),
    lgetxattr=(192, 9), fgetxattr=(193, 10), listxattr=(194, 11), llistxattr=(195, 12),
    flistxattr=(196, 13),
)

# Not for the session: with it the filter is put in place.
SECCOMP = (317, 277)
