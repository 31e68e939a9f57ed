"""How this process shuts itself off: Linux namespaces, entered before a second thread is started.

Afterwards there is no network, not even loopback; no file but Python's, the system's libraries and
what was named, none of which can be changed; no other process that could be looked into or
signalled; and no way back, because the rights that this took are given up at the end.

Source: namespaces(7), user_namespaces(7), pivot_root(2), mount_setattr(2), capabilities(7).
"""

import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

SHARED_NO_MORE = 0x10000000 | 0x20000 | 0x40000000 | 0x20000000 | 0x8000000
"""CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID and CLONE_NEWIPC."""

MS_NO_PROGRAMS = 2 | 4 | 8  # MS_NOSUID, MS_NODEV and MS_NOEXEC
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 0x1000, 0x4000, 0x40000, 2
MOUNT_SETATTR = 442  # the same number on every processor
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
RDONLY, NOSUID, NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CAPABILITY_VERSION = 0x20080522

PRIVATE = Path("/confined")
"""Its home, in memory like all that can be written to, and gone with the process."""

OTHERS_USE = ("/tmp", "/dev/shm")  # noqa: S108 private too: some libraries write nowhere else

SYSTEM = (
    "/bin",
    "/etc/alternatives",  # where Debian's BLAS is found
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/lib",
    "/lib64",
    "/nix",
    "/opt",
    "/run/opengl-driver",  # where NixOS keeps drivers of GPUs
    "/sbin",
    "/sys",
    "/usr",
)
"""What programs stand on; nobody's own files."""

DEVICES = ("null", "zero", "full", "random", "urandom", "nvidia*", "dri", "kfd", "dxg")
"""Patterns in /dev: no disk, which root could read, and no terminal."""


def shut_off(root: Path, reads: Iterable[Path], copies: Iterable[Path] = ()) -> None:
    """Leave this process nothing but what it is to work with.

    What returns is a child of the process that called: that one waits, and ends as it does.

    Args:
        root: Empty folder, on which a file system is put that nobody else sees.
        reads: Files and folders that stay visible, at their own paths, and cannot be changed.
        copies: Folders of which it gets a copy that may be written to; those that are missing are
            passed over.

    Raises:
        OSError: The system does not permit it.
    """
    user, group = os.getuid(), os.getgid()  # there are none without what follows
    _call("unshare", SHARED_NO_MORE)
    _keep_ids(user, group)
    if child := os.fork():  # process numbers are the children's alone
        _end_as(child)
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _enter(root, [*_of_python(), *map(Path, SYSTEM), *_libraries(), *reads], copies)
    _give_up_rights()


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library that returns 0 where all is well."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _keep_ids(user: int, group: int) -> None:
    """The same user and group within."""
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        Path("/proc/self", name).write_text(line, "ascii")


def _end_as(child: int) -> None:
    """Wait for the child, and end it where this process is to end."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _of_python() -> set[Path]:
    """Where this interpreter and its packages lie."""
    return {Path(path) for path in (sys.prefix, sys.base_prefix, *sys.path) if os.path.isabs(path)}  # noqa: PTH117


def _libraries() -> list[Path]:
    """Where the loader was told to look for libraries."""
    told = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return [Path(path) for path in told if path.startswith("/")]


def _enter(root: Path, visible: Sequence[Path], copies: Iterable[Path]) -> None:
    """Change into a file system of what is visible, and let go of the old one."""
    _call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    _mount_memory(root)
    for path in _outermost(path for path in visible if path.exists()):
        _show(path, _within(root, path))
    for folder in copies:
        if folder.is_dir():
            target = _within(root, folder)
            target.mkdir(parents=True, exist_ok=True)
            _mount_memory(target)
            shutil.copytree(folder, target, dirs_exist_ok=True)
    _show_own_processes(_within(root, Path("/proc")))
    for device in (path for pattern in DEVICES for path in Path("/dev").glob(pattern)):
        _show(device, _within(root, device), NOSUID)
    for folder in (PRIVATE, *map(Path, OTHERS_USE)):
        _within(root, folder).mkdir(parents=True, exist_ok=True)
    os.chdir(root)
    _call("pivot_root", b".", b".")
    _call("umount2", b".", MNT_DETACH)  # the old one, which now lies on top
    os.chdir(PRIVATE)


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Paths without those that lie in another of them."""
    kept: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


def _within(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _show(path: Path, target: Path, how: int = RDONLY | NOSUID | NODEV) -> None:
    """Put a file or a folder, and all below it, where it can be used in this way alone."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() and path.parent == Path("/"):  # /lib -> usr/lib
        target.symlink_to(path.readlink())
        return
    if path.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    _call("mount", os.fsencode(path), os.fsencode(target), None, MS_BIND | MS_REC, None)
    wanted = (ctypes.c_uint64 * 4)(how, 0, 0, 0)  # struct mount_attr
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    _call("syscall", MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), AT_RECURSIVE, wanted, size)


def _show_own_processes(target: Path) -> None:
    """Show this process and its children, and what the kernel tells, to be read alone.

    A new file system, as drivers of GPUs write to their own process's entries.
    """
    target.mkdir()
    _call("mount", b"proc", os.fsencode(target), b"proc", MS_NO_PROGRAMS, None)
    for path in target.iterdir():
        if not path.name.isdecimal() and not path.is_symlink():
            _show(path, path)


def _mount_memory(target: Path) -> None:
    _call("mount", b"tmpfs", os.fsencode(target), b"tmpfs", 0, b"mode=0700")


def _give_up_rights() -> None:
    """What a new user namespace grants would undo all of this; no program gets it back."""
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header, none = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    _call("capset", header, none)
