"""Hides from a Python process what only Linux has, as far as that can be done on Linux.

Python imports this module at its start from ``PYTHONPATH``. The process then has no epoll, no
``/proc``, no abstract sockets, no ``SO_REUSEPORT``, no prctl, no signals of real time, and macOS's
limit of file descriptors. ``sys.platform`` is another one. The process of pytest itself is spared.
"""

import builtins
import io
import os
import resource
import select
import signal
import socket
import sys
import sysconfig

OPEN_MAX = 10240
"""macOS reports an unlimited hard limit, and grants so many."""

_GONE = {
    select: ("epoll",),
    socket: ("SO_REUSEPORT", "SOCK_NONBLOCK", "SOCK_CLOEXEC", "MSG_NOSIGNAL", "TCP_KEEPIDLE"),
    signal: ("SIGRTMIN", "SIGRTMAX", "signalfd"),
    os: ("pidfd_open", "eventfd", "memfd_create", "pipe2", "sched_getaffinity", "splice"),
}


def hide() -> None:
    """Hide all of it in this process."""
    for module, names in _GONE.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    for name in ("open", "stat", "listdir", "scandir", "readlink"):
        setattr(os, name, _without_proc(getattr(os, name)))
    builtins.open = io.open = _without_proc(io.open)
    socket.socket.bind = _without_abstract(socket.socket.bind)
    socket.socket.connect = _without_abstract(socket.socket.connect)
    _limit_descriptors()
    sysconfig.get_config_vars()  # They are read from a file whose name has the platform.
    sys.platform = "freebsd14"  # Neither Linux, nor one that brings modules of its own.


def _without_proc(function):
    def call(path, *args, **kwargs):
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith("/proc"):
            raise FileNotFoundError(2, "hidden", os.fspath(path))
        return function(path, *args, **kwargs)

    return call


def _without_abstract(method):
    def call(self, address):
        if isinstance(address, str | bytes) and address[:1] in ("\0", b"\0"):
            raise FileNotFoundError(2, "abstract sockets are hidden")
        return method(self, address)

    return call


def _limit_descriptors() -> None:
    get, change = resource.getrlimit, resource.setrlimit
    soft = 256

    def getrlimit(kind):
        return (soft, resource.RLIM_INFINITY) if kind == resource.RLIMIT_NOFILE else get(kind)

    def setrlimit(kind, limits):
        nonlocal soft
        if kind != resource.RLIMIT_NOFILE:
            change(kind, limits)
        elif not 0 < limits[0] <= OPEN_MAX:
            raise ValueError("current limit exceeds maximum limit")
        else:
            soft = limits[0]

    resource.getrlimit, resource.setrlimit = getrlimit, setrlimit


if "pytest" not in " ".join(sys.orig_argv):
    hide()
