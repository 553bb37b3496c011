"""Delivering publications that exclude a connection, the one whose request has made them. Pure.

Strategy: a publication without an exclusion passes none of this. One that excludes a connection of
the channel becomes two runs of the fan-out: its frame for the others, and what the excluded
connection receives instead. Where no connection of this worker is excluded, it is an ordinary
frame.
"""

from collections.abc import Iterable
from typing import ClassVar

import msgspec

from ..connections.batch import Batch
from ..connections.connection import Connection
from ..wire.publication import ExcludingFrame


class Receivers(msgspec.Struct, frozen=True, gc=False):
    """Some connections of a channel.

    Args:
        connections: receive frames.
        conflation_key: names what a newer frame may replace; None: nothing.

    ``is_live``, as of a channel: their publications are being delivered.
    """

    connections: tuple[Connection, ...]
    conflation_key: bytes | None
    is_live: ClassVar[bool] = True


def split(
    connections: Iterable[Connection], frame: ExcludingFrame, conflation_key: bytes | None
) -> list[tuple[Receivers, list[bytes]]]:
    """Return who receives a publication, and what the excluded connection receives instead."""
    everybody = tuple(connections)
    excluded = tuple([one for one in everybody if one.id == frame.excluded])
    others = tuple([one for one in everybody if one not in excluded]) if excluded else everybody
    # Such a frame must not replace a publication that is still in the outbox.
    key = None if conflation_key is None else conflation_key + b"skipped"
    runs: list[tuple[Receivers, list[bytes]]] = [(Receivers(others, conflation_key), [frame])]
    if excluded and frame.instead:
        runs.append((Receivers(excluded, key), [frame.instead]))
    return runs


def deliver(connections: Iterable[Connection], frames: tuple[bytes, ...]) -> None:
    """Send frames to connections in one batch, without what excludes them."""
    batch = Batch(frames)
    excluded = {frame.excluded for frame in frames if isinstance(frame, ExcludingFrame)}
    for connection in connections:
        if connection.id not in excluded:
            connection.outlet.send(batch)
        elif own := _without_excluded(frames, connection.id):
            connection.outlet.send(Batch(own))


def _without_excluded(frames: tuple[bytes, ...], connection_id: str) -> tuple[bytes, ...]:
    own = (_own(frame, connection_id) for frame in frames)
    return tuple([frame for frame in own if frame])


def _own(frame: bytes, connection_id: str) -> bytes:
    if isinstance(frame, ExcludingFrame) and frame.excluded == connection_id:
        return frame.instead
    return frame
