"""Frames of several channels, collected for each connection. Pure.

Strategy: connections that receive the same frames share one batch. Each connection has a number,
which stands for the frames so far: those of an earlier number, and one run more. So a run costs the
same whether a connection has had one before or thousands, and frames are put together once, at the
end.
"""

from collections.abc import Iterable

from ..connections.batch import Batch
from ..connections.connection import Connection

_NOTHING = -1


class Collector:
    """The frames that connections receive of one read."""

    def __init__(self) -> None:
        self._latest: dict[Connection, int] = {}
        self._steps: list[tuple[int, list[bytes]]] = []

    def add(self, connections: Iterable[Connection], frames: list[bytes]) -> None:
        """Let connections receive a run of frames, after all that came before."""
        latest, steps = self._latest, self._steps
        # Most connections have received nothing else of this read.
        alone = len(steps)
        steps.append((_NOTHING, frames))
        numbers: dict[int, int] = {}
        for connection in connections:
            before = latest.get(connection)
            if before is None:
                latest[connection] = alone
                continue
            number = numbers.get(before)
            if number is None:
                number = numbers[before] = len(steps)
                steps.append((before, frames))
            latest[connection] = number

    def send(self) -> None:
        """Send each connection its frames, in one batch."""
        batches: list[Batch | None] = [None] * len(self._steps)
        for connection, number in self._latest.items():
            batch = batches[number]
            if batch is None:
                batch = batches[number] = self._batch(number)
            connection.outlet.send(batch)

    def _batch(self, number: int) -> Batch:
        before, frames = self._steps[number]
        if before == _NOTHING:
            return Batch(tuple(frames))
        runs = [frames]
        while before != _NOTHING:
            before, frames = self._steps[before]
            runs.append(frames)
        return Batch(tuple([frame for run in reversed(runs) for frame in run]))
