"""The birth of a kernel host: from a fork of the data process to pid 1 of namespaces of its own.

Runs in the forked child. What it says to the data process and waits for, as JSON:

    child                 data process
    {"unshared": true} ->
                       <- {"mapped": true}     user and group ids of the namespace are mapped
    {"init": pid}      ->                      the process that is pid 1; the child itself ends
                       <- {"adopted": true}
    {"ready": true}    ->                      with the TUN devices' file descriptors
    {"problem": text}  ->                      instead of any of these
"""

import os
import signal
import socket
import traceback
from typing import Any

from labkit.emulator.data_plane import file_system, host_program, interfaces, linux
from labkit.emulator.data_plane.channel import Channel
from labkit.emulator.data_plane.file_system import FileSystem

_NAMESPACES = (
    linux.CLONE_NEWUSER
    | linux.CLONE_NEWNS
    | linux.CLONE_NEWPID
    | linux.CLONE_NEWNET
    | linux.CLONE_NEWUTS
    | linux.CLONE_NEWIPC
)
# What root may do in its own network and to its own files; nothing that could undo the mounts
# (SYS_ADMIN) or look into pid 1 (SYS_PTRACE).
_CHOWN, _DAC_OVERRIDE, _FOWNER, _FSETID, _KILL, _SETGID, _SETUID = 0, 1, 3, 4, 5, 6, 7
_NET_BIND_SERVICE, _NET_ADMIN, _NET_RAW = 10, 12, 13
CAPABILITIES = frozenset(
    {
        _CHOWN, _DAC_OVERRIDE, _FOWNER, _FSETID, _KILL, _SETGID, _SETUID,
        _NET_BIND_SERVICE, _NET_ADMIN, _NET_RAW,
    }
)  # fmt: skip


def become_host(
    sock: socket.socket, spec: dict[str, Any], look: FileSystem, max_processes: int
) -> None:
    """Turn this forked child into a host; returns never."""
    channel = Channel.of_json(sock)
    try:
        _leave_the_machine(channel, spec, look, max_processes)
    except EOFError:  # the data process is gone
        os._exit(1)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        channel.send({"problem": f"{error.strerror or error}{where}"})
    except Exception as error:
        channel.send({"problem": repr(error)})
        traceback.print_exc()
    finally:
        os._exit(1)  # never back into the data process' loop


def _leave_the_machine(
    channel: Channel, spec: dict[str, Any], look: FileSystem, max_processes: int
) -> None:
    _close_all_but(channel.fileno())
    _reset_signals()
    if os.getuid() == 0:
        os.setgroups([])
    sockets = file_system.sockets_of_the_machine(look)
    linux.unshare(_NAMESPACES)
    channel.send({"unshared": True})
    channel.receive()
    # Still the user that we were outside: what it may open is opened now.
    tuns = tuple(interfaces.open_tun() for _ in spec["interfaces"])
    kept = file_system.open_kept(look)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    linux.set_dumpable(True)
    child = os.fork()
    if child:
        channel.send({"init": child})
        return
    channel.receive()
    linux.die_with_parent(signal.SIGKILL)
    _set_up(spec, look, tuns, kept, sockets)
    channel.send({"ready": True}, tuns)
    for fd in (*tuns, *kept.values()):
        os.close(fd)
    host_program.run(channel, look, max_processes)


def _set_up(
    spec: dict[str, Any],
    look: FileSystem,
    tuns: tuple[int, ...],
    kept: dict[str, int],
    sockets: tuple[str, ...],
) -> None:
    hostname = spec["hostname"]
    file_system.build(look, kept, sockets, hostname, spec["interfaces"][0]["addresses"][0])
    interfaces.write_sysctls()
    interfaces.set_up(tuns, spec["interfaces"])
    socket.sethostname(hostname)
    os.chdir("/")
    linux.keep_capabilities(CAPABILITIES)
    linux.forbid_new_privileges()
    linux.set_dumpable(False)


def _close_all_but(kept: int) -> None:
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - the names are wanted
        fd = int(name)
        if fd > 2 and fd != kept:
            try:
                os.close(fd)
            except OSError:  # the listing's own
                continue


def _reset_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
