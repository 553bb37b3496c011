"""Reports between a supervisor and its children: JSON, one datagram each, on a socket pair.

Neither side ever waits for the other one: what does not fit into the socket is dropped, and the
next report replaces it. So a child that hangs stops no supervisor, and a supervisor that is stopped
stops no child.
"""

import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec

from ..metrics.families import Readings

REPORT_S = 1.0
"""Between two reports of a worker, and two rounds of the supervisor."""

HOST_OPS = -1
"""The number, among the children of a supervisor, of the process that answers for the host."""

MAX_REPORT_BYTES = 192 * 1024
"""Below the usual limit of a datagram, ``net.core.wmem_default``."""


class WorkerReport(msgspec.Struct, frozen=True, tag="worker"):
    """What a worker says about itself: the heartbeat of its event loop.

    ``reasons``: why it is not ready. ``notes``: what is wrong although it serves.
    """

    number: int
    pid: int
    is_ready: bool
    reasons: list[str]
    notes: list[str]
    readings: Readings


class WorkerStatus(msgspec.Struct, frozen=True):
    """What the supervisor knows of a worker.

    ``state``: starting, running, restarting, stopping, hung or ended. ``silent_s``: since its last
    report. ``restarts``: by cause.
    """

    number: int
    pid: int | None
    state: str
    silent_s: float
    restarts: dict[str, int]


class HostStatus(msgspec.Struct, frozen=True, tag="host"):
    """What the supervisor knows of all workers."""

    workers: list[WorkerStatus]


Report = WorkerReport | HostStatus


def read_report(raw: bytes) -> Report | None:
    """Read a report; None: it cannot be read."""
    try:
        return msgspec.json.decode(raw, type=Report)
    except msgspec.MsgspecError:
        return None


class Channel:
    """One end of a socket pair for reports."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end

    def fileno(self) -> int:
        """Return the descriptor, for an event loop."""
        return self._socket.fileno()

    def send(self, report: Report) -> None:
        """Send a report, or drop it where the other side does not read."""
        self.send_raw(msgspec.json.encode(report))

    def send_raw(self, raw: bytes) -> None:
        """Send an encoded report, as ``send`` does."""
        with suppress(OSError):
            self._socket.send(raw)

    def receive(self) -> Iterator[bytes]:
        """Return the reports that have arrived."""
        with suppress(OSError):
            while raw := self._socket.recv(MAX_REPORT_BYTES):
                yield raw

    def close(self) -> None:
        """Close this end."""
        self._socket.close()


def open_channel() -> tuple[Channel, Channel]:
    """Open both ends of a channel.

    Raises:
        OSError: the system has no descriptors left.
    """
    kind: Any = socket.SOCK_DGRAM
    near, far = socket.socketpair(socket.AF_UNIX, kind)
    return Channel(near), Channel(far)
