"""What of the machine's files the zygote and its sessions see: the system's libraries and the interpreter with its
packages, read-only; nothing of the user's, no /proc, no /sys.

`plan` lists it once as operations, which are carried out by bubblewrap (`bubblewrap_arguments`) or by mounts of our own
(`build`).
"""

import os
import sys

import linux

# Of /usr, not src and whatever else people keep there; of /etc, what the dynamic linker, time zones and fonts need.
USR = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "share", "local/bin", "local/lib", "local/lib64",
       "local/libexec", "local/share")
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "mime.types")
# Of the folder an interpreter is installed in: it may be the user's home.
PREFIX = ("bin", "lib", "lib64", "pyvenv.cfg", "matplotlib")
DEVICES = ("null", "zero", "full", "random", "urandom")
SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
USER = 1000  # the sessions' own number for the only user there is
PASSWD = f"user:x:{USER}:{USER}:user:/tmp:/bin/false\n"
GROUP = f"user:x:{USER}:\n"
HOST_FOLDER = "/run/host"  # holds the socket to connect to
SCRATCH = "/tmp"
WORKING = "/tmp/session"  # where a session's programs begin
SHARED_MEMORY = "/dev/shm"


def plan(folder, extra):
    """Operations (kind, source, target); a later one may lie in an earlier one's target. `folder` becomes HOST_FOLDER;
    `extra` are more folders to see, at their own places."""
    operations = [("read-only", f"/usr/{name}", f"/usr/{name}") for name in USR if os.path.isdir(f"/usr/{name}")]
    for name in SYSTEM_LINKS:
        path = f"/{name}"
        if os.path.islink(path):
            operations.append(("link", os.readlink(path), path))
        elif os.path.isdir(path):
            operations.append(("read-only", path, path))
    for name in ETC:
        if os.path.exists(f"/etc/{name}"):
            operations.append(("read-only", os.path.realpath(f"/etc/{name}"), f"/etc/{name}"))
    operations += [("text", PASSWD, "/etc/passwd"), ("text", GROUP, "/etc/group")]
    operations += [("device", f"/dev/{name}", f"/dev/{name}") for name in DEVICES]
    shown = [target for kind, _, target in operations if kind == "read-only"]
    folders = outermost((*interpreter_paths(), *extra), shown)
    # Scratch folders before what may lie in one of them.
    operations += [("scratch", "", SCRATCH), ("scratch", "", SHARED_MEMORY)]
    operations += [("read-only", os.path.realpath(path), path) for path in folders]
    folders += shown
    operations += [("link", to, at) for at, to in interpreter_links(folders)]
    operations.append(("read-only", folder, HOST_FOLDER))
    return operations


def interpreter_paths():
    """Where the running interpreter, its standard library and its packages are."""
    real = os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))
    prefixes = {real, *(os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, sys.base_exec_prefix))}
    # A venv's own path, too, where a link leads to it: its scripts and pyvenv.cfg name that path.
    prefixes |= {os.path.abspath(sys.prefix), os.path.abspath(sys.base_prefix)}
    paths = {f"{prefix}/{name}" for prefix in prefixes for name in PREFIX}
    if any(beneath(prefix, ["/nix/store"]) for prefix in prefixes):
        paths.add("/nix/store")  # where its libraries are
    return sorted(path for path in paths if os.path.exists(path))


def interpreter_links(folders):
    """Links on the way from the interpreter's name to its file that lie outside of the folders: (link, target)."""
    at, links = os.path.abspath(sys.executable), []
    while os.path.islink(at):
        to = os.readlink(at)
        if not beneath(at, folders):
            links.append((at, to))
        at = os.path.normpath(os.path.join(os.path.dirname(at), to))
    return links


def beneath(path, folders):
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def outermost(paths, shown=()):
    """The paths without those that lie in another of them, or in one that is shown."""
    kept = []
    for path in sorted(set(paths)):
        if not beneath(path, [*kept, *shown]):
            kept.append(path)
    return kept


def parents(path):
    """The folders above the path, without the root."""
    found = set()
    while (path := os.path.dirname(path)) != "/":
        found.add(path)
    return found


def bubblewrap_arguments(operations, as_root, text_file):
    """`text_file(text)` gives a descriptor from which the text can be read."""
    arguments = ["--unshare-pid", "--as-pid-1", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    if as_root:
        # Inside a user namespace root would stay the machine's root; the zygote drops to another user instead.
        arguments += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        arguments += ["--unshare-user", "--uid", str(USER), "--gid", str(USER)]
    arguments += ["--hostname", "sandbox", "--die-with-parent", "--new-session", "--chdir", "/"]
    made = set()
    for kind, source, target in operations:
        # Folders on the way would be root's alone.
        for path in sorted(parents(target) - made):
            arguments += ["--perms", "0755", "--dir", path]
        made |= {*parents(target), target}
        if kind == "read-only":
            arguments += ["--ro-bind", source, target]
        elif kind == "link":
            arguments += ["--symlink", source, target]
        elif kind == "text":
            arguments += ["--perms", "0444", "--file", str(text_file(source)), target]
        elif kind == "device":
            arguments += ["--dev-bind", source, target]
        else:
            arguments += ["--perms", "1777", "--tmpfs", target]
    return [*arguments, "--remount-ro", "/", "--"]


def build(operations):
    """Carries the operations out in a new root and moves there. Needs a mount namespace of one's own."""
    flags = linux.MS_NOSUID | linux.MS_NODEV
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", "/tmp", "tmpfs", flags, "mode=0755,size=1m")  # over any folder: it becomes the root
    os.mkdir("/tmp/.old")
    linux.pivot_root("/tmp", "/tmp/.old")
    os.chdir("/")
    for kind, source, target in operations:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if kind == "link":
            os.symlink(source, target)
        elif kind == "text":
            with open(target, "x") as file:
                file.write(source)
            os.chmod(target, 0o444)
        elif kind == "scratch":
            os.makedirs(target, exist_ok=True)
            linux.mount("tmpfs", target, "tmpfs", flags, "mode=1777,size=16m")
        else:
            _bind(f"/.old{source}", target, kind == "device")
    linux.unmount("/.old")
    os.rmdir("/.old")
    linux.set_mount_attributes("/", linux.MOUNT_ATTR_RDONLY)


def _bind(source, target, is_device):
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        open(target, "x").close()
    linux.mount(source, target, None, linux.MS_BIND | linux.MS_REC)
    denied = linux.MOUNT_ATTR_NOEXEC if is_device else linux.MOUNT_ATTR_RDONLY | linux.MOUNT_ATTR_NODEV
    linux.set_mount_attributes(target, linux.MOUNT_ATTR_NOSUID | denied, recursive=True)
