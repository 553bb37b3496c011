"""How the master of a service is found: what the answers of its Sentinels mean. Pure.

Strategy: Sentinels count failovers in the config epoch of the service. Two failovers may lead back
to a server that was never a replica in between and still answers as before; only the config epoch
shows that there was another master. One Sentinel after the other is asked, until one reports a
master that is up. ``sentinel.py`` sends the questions.
"""

from enum import Enum
from itertools import count
from typing import Any, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError

from .errors import cause_of


class Master(NamedTuple):
    """A master, and the config epoch in which it is one."""

    address: tuple[str, int]
    generation: int


class WhenDown(Enum):
    """What a caller does when no Sentinel reports a master that is up."""

    FOLLOW = "follow"
    """It follows the address that is reported as down, because the known master is then a former
    one. While no Sentinel answers, the known master stays. So the gateway's link stays as long as
    its probes come back."""

    FAIL = "fail"
    """It opens no connection: a page does not wait for a server that is down. Connections that are
    open stay in use."""


class Masters:
    """The successive masters of one service.

    Args:
        service: the Sentinels' name of the master.
        when_down: what counts when no Sentinel reports a master that is up.
    """

    def __init__(self, service: str, when_down: WhenDown) -> None:
        self.service = service
        self.when_down = when_down
        self.current: Master | None = None
        self._numbers = count(1)
        self._last_number = 0

    @property
    def generation(self) -> int:
        """The config epoch of the current master; 0: none is known."""
        return self.current.generation if self.current else 0

    def begin(self, sentinels: int) -> "Inquiry":
        """Begin to ask a number of Sentinels."""
        return Inquiry(self, next(self._numbers), sentinels)

    def follow(self, latest: Master, number: int) -> None:
        """Follow to a master, unless a later inquiry has ended before."""
        if number >= self._last_number:
            self._last_number = number
            self.current = latest


class Inquiry:
    """The answers of the Sentinels to one question.

    Args:
        masters: the masters that are known.
        number: orders the inquiries by their beginning.
        sentinels: how many there are.
    """

    def __init__(self, masters: Masters, number: int, sentinels: int) -> None:
        self._masters = masters
        self._number = number
        self._sentinels = sentinels
        self._reported: list[Master] = []
        self._failures: list[str] = []
        self._is_up = False

    def add_reply(self, states: dict[str, Any]) -> bool:
        """Note a reply to ``SENTINEL MASTERS``; True: no other Sentinel need be asked."""
        state = states.get(self._masters.service)
        if not state:
            return False
        master = self._read(state)
        self._reported.append(master)
        is_up = _is_up(state)
        self._is_up = self._is_up or is_up
        return is_up and master.generation >= self._masters.generation

    def add_failure(self, error: BaseException) -> None:
        """Note that a Sentinel has not answered."""
        self._failures.append(cause_of(error))

    def finish(self) -> Master:
        """Return the master that counts.

        Raises:
            redis.ConnectionError: there is none.
        """
        masters = self._masters
        latest = max(self._reported, key=lambda master: master.generation, default=None)
        # An older answer comes from a Sentinel that is behind, unless all Sentinels agree.
        is_known_to_all = len(self._reported) == self._sentinels
        if latest and (is_known_to_all or latest.generation >= masters.generation):
            masters.follow(latest, self._number)
        is_usable = self._is_up or masters.when_down is WhenDown.FOLLOW
        if masters.current is None or not is_usable:
            raise RedisConnectionError(
                f"no Sentinel names a master of {masters.service}: {self._cause()}"
            )
        return masters.current

    def _cause(self) -> str:
        unknown = "it is down" if self._reported else "they do not know it"
        return "; ".join(self._failures) or unknown

    def _read(self, state: dict[str, Any]) -> Master:
        """Read one answer; during a failover its config epoch is that of the next master."""
        master = Master((state["ip"], state["port"]), int(state["config-epoch"]))
        is_replaced = "failover_in_progress" in state["flags"]
        current = self._masters.current
        if is_replaced and current and current.address == master.address:
            return current
        return master


def _is_up(state: dict[str, Any]) -> bool:
    return bool(state["is_master"]) and not state["is_sdown"] and not state["is_odown"]
