"""Whether a worker serves, why it does not, and what is wrong although it does."""

from ...broker.broker import Broker
from ...sessions.authenticator import Authenticator
from ...wire.tokens import CLOCK_LEEWAY_S
from ..parts import Parts


class Health:
    """Judge one worker.

    Args:
        parts: of the worker.
        broker: its Redis.

    ``is_stopping``: set by the worker, before it drains.
    """

    def __init__(self, parts: Parts, broker: Broker) -> None:
        self._parts = parts
        self._broker = broker
        self.is_stopping = False

    @property
    def reasons(self) -> list[str]:
        """Say why a client that connects now would not be served; nothing: it is."""
        lifecycle, broker = self._parts.lifecycle, self._broker
        found = [
            "it stops" if self.is_stopping or lifecycle.is_draining else "",
            lifecycle.refusal,
            broker.pubsub.problem,
            "it reads the histories after a lost link" if self._parts.hub.is_recovering else "",
            broker.session_probe.problem,
            self._refused_by_clock(self._parts.authenticator),
            *broker.capabilities.reasons,
        ]
        return [reason for reason in found if reason]

    @property
    def notes(self) -> list[str]:
        """Say what is wrong although clients are served."""
        return [*self._broker.redis_watch.notes, *self._broker.capabilities.notes]

    def _refused_by_clock(self, authenticator: Authenticator) -> str:
        """Return whether the last genuine token was refused because our clock is wrong.

        By the clock of Redis it would have been accepted. A clock of Redis that is wrong itself
        makes no worker unready.
        """
        age_s, watch = authenticator.refused_age_s, self._broker.redis_watch
        if age_s is None or watch.offset_s is None or not watch.is_clock_different:
            return ""
        if not -CLOCK_LEEWAY_S <= age_s + watch.offset_s <= self._parts.config.token_max_age:
            return ""
        return f"tokens are refused (4401), because the clock is {abs(watch.offset_s):.1f} s wrong"
