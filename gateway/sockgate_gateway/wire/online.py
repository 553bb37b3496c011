"""Users online: the keys behind Django's signals ``user_online`` and ``user_offline``.

With the option ``presence_signals`` each worker keeps the set of users that are connected to it.
Three scripts keep the rest in step. A worker runs ``online.lua``. A user's first connection adds
the user to the set of all who are online, which is an event. The last connection of a user at a
worker notes that the user may have left. Django's command ``sockgate_signals`` runs the others.
``offline.lua`` checks users who may have left some seconds ago. A user at no live worker is
offline, which is an event. ``absent.lua`` notes users of workers that were killed. Each script
changes the set and writes the event in one step. So each change is one event, however many
processes run the scripts.

Redis Cluster: all keys have one hash tag. So they are in one slot, for all tenants: uids are
qualified.
"""

from dataclasses import dataclass

from .names import Names

MAX_EVENTS = 100_000
"""So many events wait at most, about 10 MB: without a command that receives them, the oldest are
lost."""

ONLINE_TTL_MS = 3_600_000
"""The set of a dead worker expires; a live one writes it again every half hour."""

GROUP = "signals"
"""The consumer group of the stream."""


@dataclass(frozen=True, slots=True)
class OnlineKeys:
    """The keys of a deployment.

    Args:
        names: of the deployment.
    """

    names: Names

    @property
    def online(self) -> str:
        """A set: the uids of all users who are online."""
        return f"{self.names.key_prefix}online:{{online}}"

    @property
    def leaving(self) -> str:
        """A sorted set: uids that may have left, by the time in Unix milliseconds."""
        return f"{self.online}:leaving"

    @property
    def events(self) -> str:
        """A stream: ``user`` (uid), ``is_online`` (0 or 1) and ``at`` (Unix milliseconds)."""
        return f"{self.online}:events"

    def at(self, worker: str) -> str:
        """A set: the uids that are connected to one worker."""
        return f"{self.online}:at:{worker}"
