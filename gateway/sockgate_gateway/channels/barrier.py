"""The barrier: waiting until what was published before has been received."""

from typing import Protocol


class Barrier(Protocol):
    """The order of what Redis sends on two connections: replies, and messages on the link."""

    async def synchronize(self) -> None:
        """Wait until everything that was published before this call has been received.

        Raises:
            BrokerUnavailable: the link is down, or is lost meanwhile.
        """
