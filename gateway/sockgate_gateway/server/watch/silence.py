"""Whether a worker hangs. Pure.

Strategy: a worker reports every second from its event loop. Silence alone is no proof, because a
worker may be slow: beside other programs, or under a CPU quota. So a silent worker hangs when it
used no processor meanwhile (it is blocked or stopped), or as much processor time as the limit (it
loops). What is between these is slow, and has ``SLOW_FACTOR`` times as long. Silence counts only
while the supervisor itself ran: after a suspend, nobody is judged by the time on the clock.
"""

from collections.abc import Callable
from dataclasses import dataclass

SLOW_FACTOR = 6
IDLE_SHARE = 0.01
"""A worker that used less than this share of one processor did not work."""

MAX_STEP_S = 2.0
"""A round of the supervisor that took longer was delayed itself, and counts as this long."""


@dataclass(slots=True)
class _Silence:
    pid: int
    cpu_s: float | None
    silent_s: float = 0.0


class SilenceWatch:
    """Measure the silence of workers.

    Args:
        limit_s: how long a worker may be silent; 0: forever.
        cpu_of: returns the processor time of a process, in seconds; None: unknown.
    """

    def __init__(self, limit_s: float, cpu_of: Callable[[int], float | None]) -> None:
        self._limit_s = limit_s
        self._cpu_of = cpu_of
        self._silences: dict[int, _Silence] = {}

    def note_report(self, number: int, pid: int) -> None:
        """Note that a worker has reported, or was started."""
        self._silences[number] = _Silence(pid, self._cpu_of(pid))

    def forget(self, number: int) -> None:
        """Note that a worker has ended."""
        self._silences.pop(number, None)

    def pass_time(self, elapsed_s: float) -> None:
        """Count a round of the supervisor."""
        for silence in self._silences.values():
            silence.silent_s += min(elapsed_s, MAX_STEP_S)

    def silent_s(self, number: int) -> float:
        """Return how long a worker has been silent."""
        silence = self._silences.get(number)
        return silence.silent_s if silence else 0.0

    def verdict(self, number: int) -> str:
        """Return why a worker counts as hung; empty: it does not."""
        silence = self._silences.get(number)
        if not silence or not self._limit_s or silence.silent_s < self._limit_s:
            return ""
        silent = f"no sign of its event loop for {silence.silent_s:.1f} s"
        used_s = self._used_s(silence)
        if used_s is None or used_s < IDLE_SHARE * silence.silent_s:
            return f"{silent}, and it did nothing: it is blocked or stopped"
        if used_s >= self._limit_s:
            return f"{silent}, and {used_s:.1f} s of processor time used: it loops"
        if silence.silent_s >= SLOW_FACTOR * self._limit_s:
            return f"{silent}, with {used_s:.1f} s of processor time: it is too slow"
        return ""

    def _used_s(self, silence: _Silence) -> float | None:
        now = self._cpu_of(silence.pid)
        return None if now is None or silence.cpu_s is None else now - silence.cpu_s
