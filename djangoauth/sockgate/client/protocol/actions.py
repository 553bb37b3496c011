"""What the protocol asks its adapter to do. Actions and events come in one order."""

from dataclasses import dataclass, field

from ..errors import ClientError
from ..events import Event
from .frames import Frame


@dataclass(frozen=True, slots=True)
class FetchToken:
    """Fetch a token, and call ``token_fetched`` or ``token_failed`` with this number."""

    number: int


@dataclass(frozen=True, slots=True)
class FetchGrant:
    """Fetch a grant, and call ``grant_fetched`` or ``grant_failed`` with this number."""

    number: int
    channel: str


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """Open a WebSocket, and call ``opened``, ``received`` and ``lost``."""

    url: str


@dataclass(frozen=True, slots=True)
class SendText:
    """Send a text over the WebSocket. It may have a token, and so is in no ``repr``."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close the WebSocket; nothing of it may be passed on afterwards."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A request of the caller has its answer: a frame, or an error."""

    request: int
    frame: Frame | None = None
    error: ClientError | None = None


Action = FetchToken | FetchGrant | OpenSocket | SendText | CloseSocket | Answer
Output = Action | Event


class Outputs:
    """Actions and events that the adapter has not taken yet."""

    def __init__(self) -> None:
        self._waiting: list[Output] = []

    def put(self, output: Output) -> None:
        """Add one."""
        self._waiting.append(output)

    def take(self) -> list[Output]:
        """Return all of them, oldest first, and forget them."""
        taken, self._waiting = self._waiting, []
        return taken
