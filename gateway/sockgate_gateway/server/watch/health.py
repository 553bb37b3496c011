"""Whether a worker serves, why it does not, and what is wrong although it does."""

from ...broker.broker import Broker
from ...loop.acceptor import PauseLog
from ...sessions.authenticator import Authenticator
from ..parts import Parts


class Health:
    """Judge one worker.

    Args:
        parts: of the worker.
        broker: its Redis.
        pauses: of accepting connections.

    ``is_stopping``: set by the worker, before it drains.
    """

    def __init__(self, parts: Parts, broker: Broker, pauses: PauseLog) -> None:
        self._parts = parts
        self._broker = broker
        self._pauses = pauses
        self.is_stopping = False

    @property
    def reasons(self) -> list[str]:
        """Say why a client that connects now would not be served; nothing: it is."""
        lifecycle, broker = self._parts.lifecycle, self._broker
        found = [
            "it stops" if self.is_stopping or lifecycle.is_draining else "",
            lifecycle.refusal,
            broker.pubsub.problem,
            "it reads the histories after a lost link" if self._is_recovering else "",
            broker.session_probe.problem,
            self._refused_by_clock(self._parts.authenticator),
            *broker.capabilities.reasons,
        ]
        return [reason for reason in found if reason]

    @property
    def notes(self) -> list[str]:
        """Say what is wrong although clients are served."""
        found = [
            *self._broker.redis_watch.notes,
            *self._broker.capabilities.notes,
            *self._broker.pubsub.shard_problems,
            self._pauses.note,
        ]
        return [note for note in found if note]

    @property
    def _is_recovering(self) -> bool:
        """Whether a channel is not live after a loss, although its primary is there."""
        is_away = self._broker.pubsub.is_away
        return any(not is_away(name) for name in self._parts.hub.recovering())

    def _refused_by_clock(self, authenticator: Authenticator) -> str:
        """Return whether the last genuine token was refused because our clock is wrong.

        By the clock of Redis it would have been accepted. A clock of Redis that is wrong itself
        makes no worker unready.
        """
        watch, offset_s = self._broker.redis_watch, self._broker.clock_offset_s()
        if not (offset_s and watch.is_clock_different and authenticator.is_misled_by_clock):
            return ""
        return f"tokens are refused (4401), because the clock is {abs(offset_s):.1f} s wrong"
