"""Publishing without Django: for Celery, scripts, and whatever else can import this.

It sends what ``djangoauth.publishing`` sends, and needs neither settings nor models.
"""

from collections.abc import Callable, Iterable
from time import monotonic
from types import TracebackType
from typing import Any, Self, Unpack

from gateway.wire.names import BROADCAST, Names, user_channel
from gateway.wire.namespaces import Namespaces, read_namespaces

from .clients import RETRIES, close_client, open_client
from .composer import Composer, How
from .outgoing import Client, send, send_many
from .positions import Position, read_position

MAX_PAYLOAD = 1024 * 1024
NAMESPACES_AGE_S = 30
"""For how long it believes what it has read of the namespaces."""


class Publisher:
    """Publish to browsers; safe between threads.

    Args:
        redis: the URL of Redis, or a client: a ``RedisCluster``, a Sentinel's ``master_for``.
        namespaces: the policies; None: those that Django has written to Redis.
        max_payload: bytes of one publication.
        key_prefix: as in Django's ``SOCKGATE``.
        channel_prefix: as in Django's ``SOCKGATE``.
        clock: gives seconds.
    """

    def __init__(
        self,
        redis: str | Client,
        *,
        namespaces: Namespaces | None = None,
        max_payload: int = MAX_PAYLOAD,
        key_prefix: str = "sockgate:",
        channel_prefix: str = "rt:",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._names = Names(key_prefix, channel_prefix)
        self._client = open_client(redis, 0) if isinstance(redis, str) else redis
        # What bears a name of its own may be sent twice.
        self._retrying = open_client(redis, RETRIES) if isinstance(redis, str) else redis
        policies = _Policies(self._retrying, self._names, namespaces, clock)
        self._composer = Composer(policies.current, max_payload)

    def publish(self, uid: Any, event: str, data: Any = None, **how: Unpack[How]) -> int:
        """Publish to every browser in which a user is logged in.

        Args:
            uid: the user's primary key.
            event: what the browser listens to: ``rt.on(event, …)``.
            data: anything that ``DjangoJSONEncoder`` takes.
            how: ``sequenced``, ``idempotency_key``; see ``composer.How``.

        Returns:
            How many workers received it; 0 when it had been published before.

        Raises:
            djangoauth.errors.PublicationError: it cannot be sent as it is.
            redis.RedisError: Redis did not take it.
        """
        return self.publish_to(user_channel(str(uid)), event, data, **how)

    def publish_to(self, channel: str, event: str, data: Any = None, **how: Unpack[How]) -> int:
        """Publish to a channel, say ``room:7``; the rest is as in ``publish``.

        Raises:
            gateway.wire.errors.ChannelNameError: it is no channel name.
        """
        outgoing = self._composer.compose(channel, event, data, how)
        return send(self._client_for(how), self._names, outgoing)

    def publish_many(
        self, uids: Iterable[Any], event: str, data: Any = None, **how: Unpack[How]
    ) -> int:
        """Publish to many users in one round trip; the rest is as in ``publish``.

        Returns:
            How many times a worker received it.
        """
        channels = [user_channel(str(uid)) for uid in uids]
        outgoings = self._composer.compose_each(channels, event, data, how)
        return send_many(self._client_for(how), self._names, outgoings)

    def broadcast(self, event: str, data: Any = None, **how: Unpack[How]) -> int:
        """Publish to every connection; the rest is as in ``publish``."""
        return self.publish_to(BROADCAST, event, data, **how)

    def position(self, channel: str) -> Position | None:
        """Tell where a channel stands, for a page that is rendered now; see ``positions``."""
        return read_position(self._retrying, self._names, channel)

    def close(self) -> None:
        """Close the connections to Redis."""
        close_client(self._client)
        close_client(self._retrying)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _client_for(self, how: How) -> Client:
        return self._client if how.get("idempotency_key") is None else self._retrying


class _Policies:
    """The policies that are given, or those in Redis, read again now and then."""

    def __init__(
        self,
        client: Client,
        names: Names,
        given: Namespaces | None,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._key = names.namespaces
        self._clock = clock
        self._known = given or Namespaces()
        self._stale_at = float("-inf") if given is None else float("inf")

    def current(self) -> Namespaces:
        """Give them."""
        if self._clock() >= self._stale_at:
            raw: Any = self._client.get(self._key)
            if raw is not None:  # A Redis that was emptied takes nothing back.
                self._known = read_namespaces(raw)
            self._stale_at = self._clock() + NAMESPACES_AGE_S
        return self._known
