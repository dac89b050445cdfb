"""A host's file system: the machine's, read-only, with fresh folders where people write."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from labkit.emulator.data_plane import linux

# Folders that hold people's files, or sockets of the machine's services.
HIDDEN = (
    *("/tmp", "/var/tmp", "/root", "/home", "/run", "/var/run"),
    *("/var/lib", "/var/snap", "/var/spool", "/mnt", "/media"),
)
KIT = Path("/run/labkit")  # in a host: the kit's own small files
_NOTHING = KIT / "nothing"

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_TMPFS_FLAGS = linux.MS_NOSUID | linux.MS_NODEV


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What one machine's hosts see, decided once.

    hidden: folders replaced by empty ones, none below another. kept: folders below hidden ones that
    are bound back. programs: file name -> content of programs that the machine lacks.
    """

    hidden: tuple[str, ...]
    kept: tuple[str, ...]
    programs: Mapping[str, bytes]

    def hides(self, path: str) -> bool:
        return _is_below(path, self.hidden)


def outermost(folders: Sequence[str]) -> tuple[str, ...]:
    """Return the folders that exist, links resolved, without those below another."""
    found: list[str] = []
    existing = {os.path.realpath(folder) for folder in folders if Path(folder).is_dir()}
    for folder in sorted(existing - {"/"}):
        if not _is_below(folder, found):
            found.append(folder)
    return tuple(found)


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def open_kept(file_system: FileSystem) -> dict[str, int]:
    """Open what will be mounted again, while it can be seen: target -> file descriptor."""
    paths = [*file_system.kept, *(f"/dev/{name}" for name in _DEVICES)]
    flags = os.O_PATH | os.O_CLOEXEC  # pyright: ignore[reportAttributeAccessIssue] - Linux only
    return {path: os.open(path, flags) for path in paths}


def sockets_of_the_machine(file_system: FileSystem) -> tuple[str, ...]:
    """Return the Unix sockets that hosts would see; call in the machine's network namespace.

    A read-only mount does not keep anybody from connecting to one.
    """
    lines = Path("/proc/net/unix").read_text(errors="surrogateescape").splitlines()
    paths = {fields[7] for line in lines if len(fields := line.split(None, 7)) == 8}
    return tuple(
        path
        for path in sorted(paths)
        if path.startswith("/") and not file_system.hides(path) and Path(path).is_socket()
    )


def build(
    file_system: FileSystem,
    kept: Mapping[str, int],
    sockets: Sequence[str],
    hostname: str,
    address: str,
) -> None:
    """Change what this mount namespace shows; needs CAP_SYS_ADMIN in its user namespace.

    Args:
        file_system: what to show.
        kept: from ``open_kept``, called in this mount namespace.
        sockets: from ``sockets_of_the_machine``; they are covered.
        hostname: fully qualified, for /etc/hosts.
        address: the host's primary private address.
    """
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    _make_all_read_only()
    for folder in file_system.hidden:
        mode = "1777" if folder.endswith("/tmp") else "755"
        linux.mount("tmpfs", folder, "tmpfs", _TMPFS_FLAGS, f"size=64m,mode={mode}")
    for folder in file_system.kept:
        Path(folder).mkdir(parents=True, exist_ok=True)
        _bind(kept[folder], folder, linux.MS_REC)
    _build_dev(kept)
    _write_programs(file_system.programs)
    _NOTHING.touch(0o400)
    cover(sockets)
    _replace_etc(hostname, address)
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)


def _make_all_read_only() -> None:
    try:
        linux.set_read_only_below("/")
    except OSError as error:
        raise OSError(
            error.errno, f"the file system cannot be made read-only: {error.strerror}"
        ) from None


def _bind(fd: int, target: str, flags: int = 0) -> None:
    linux.mount(f"/proc/self/fd/{fd}", target, None, linux.MS_BIND | flags)


def _build_dev(kept: Mapping[str, int]) -> None:
    linux.mount("tmpfs", "/dev", "tmpfs", linux.MS_NOSUID, "size=64m,mode=755")
    dev = Path("/dev")
    for name in _DEVICES:
        (dev / name).touch()
        _bind(kept[f"/dev/{name}"], f"/dev/{name}")
    for name, target in _LINKS.items():
        (dev / name).symlink_to(target)
    for name in ("shm", "pts"):
        (dev / name).mkdir()
    (dev / "shm").chmod(0o1777)
    linux.mount("devpts", "/dev/pts", "devpts", linux.MS_NOSUID, "newinstance,ptmxmode=0666")
    (dev / "ptmx").symlink_to("pts/ptmx")


def _write_programs(programs: Mapping[str, bytes]) -> None:
    folder = KIT / "bin"
    folder.mkdir(parents=True)
    for name, content in programs.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755)


def cover(paths: Sequence[str]) -> None:
    """Put an empty file over each of these sockets that this host sees; needs CAP_SYS_ADMIN.

    Those covered before are no sockets any more, unless the machine has made them anew meanwhile.
    """
    for path in paths:
        if Path(path).is_socket():
            with suppress(FileNotFoundError):  # it is gone by now
                linux.mount(str(_NOTHING), path, None, linux.MS_BIND)


def _replace_etc(hostname: str, address: str) -> None:
    """Put the instance's own names over the machine's; no name server can be reached."""
    files = {
        "hosts": f"127.0.0.1 localhost\n{address} {hostname} {hostname.partition('.')[0]}\n",
        "hostname": hostname + "\n",
        "resolv.conf": "",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    (KIT / "etc").mkdir()
    for name, text in files.items():
        source, target = KIT / "etc" / name, f"/etc/{name}"
        if Path(target).exists():
            source.write_text(text)
            linux.mount(str(source), target, None, linux.MS_BIND)
