"""Making publications: checked, encoded, and kept as their namespace says. Pure."""

from collections.abc import Callable, Iterable
from typing import Any, TypedDict

from gateway.wire.names import check_channel
from gateway.wire.namespaces import Namespaces
from gateway.wire.outgoing import Outgoing

from .encoding import encode
from .errors import PublicationInvalid

MAX_IDEMPOTENCY_KEY_LENGTH = 255


class How(TypedDict, total=False):
    """How to publish; every call takes these.

    ``sequenced``: keep it, in order, for browsers that come back. Left out, or None: as the
    channel's namespace says.

    ``idempotency_key``: your own name for it, 255 characters at most. What bears it is published
    on a channel once an hour, so that a task that is run again may publish again. It is sequenced.
    """

    sequenced: bool | None
    idempotency_key: str | None


class Composer:
    """Make publications.

    Args:
        namespaces: gives the policies.
        max_payload: bytes of one publication.
    """

    def __init__(self, namespaces: Callable[[], Namespaces], max_payload: int) -> None:
        self._namespaces = namespaces
        self._max_payload = max_payload

    def compose(self, channel: str, event: str, data: Any, how: How) -> Outgoing:
        """Make one.

        Raises:
            PublicationInvalid: the data has no JSON form, or the idempotency key cannot be one.
            PublicationTooLarge: it is over the limit.
            gateway.wire.errors.ChannelNameError: it is no channel name.
        """
        return self.compose_each([channel], event, data, how)[0]

    def compose_each(
        self, channels: Iterable[str], event: str, data: Any, how: How
    ) -> list[Outgoing]:
        """Make the same for each of many channels."""
        payload, key = encode(event, data, self._max_payload), how.get("idempotency_key")
        is_sequenced, namespaces = _is_sequenced(how), self._namespaces()

        def address(channel: str) -> Outgoing:
            is_kept = namespaces.is_sequenced(channel) if is_sequenced is None else is_sequenced
            policy = namespaces.of(channel) if is_kept else None
            return Outgoing(check_channel(channel), payload, policy, key)

        return [address(channel) for channel in channels]


def _is_sequenced(how: How) -> bool | None:
    key, asked = how.get("idempotency_key"), how.get("sequenced")
    if key is None:
        return asked
    if asked is False:
        raise PublicationInvalid("only a sequenced publication can have an idempotency key")
    if not isinstance(key, str) or not 0 < len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
        raise PublicationInvalid("an idempotency key is a text of 1 to 255 characters")
    return True
