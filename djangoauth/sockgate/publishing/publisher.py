"""``Publisher``: publishing without Django settings or models, for scripts and other services.

It sends the same commands as ``sockgate.publishing.calls``.
"""

from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, Unpack
from uuid import UUID

from sockgate_gateway.redis_servers.clients import close_client, database_of, pubsub_of
from sockgate_gateway.redis_servers.credentials import RenewedCredentials
from sockgate_gateway.wire.addresses import PubSub
from sockgate_gateway.wire.contract import Position
from sockgate_gateway.wire.names import (
    BROADCAST,
    KEY_PREFIX,
    Names,
    check_prefix,
    group_channel,
    names_in,
    user_channel,
)
from sockgate_gateway.wire.namespaces import Namespaces, read_namespaces
from sockgate_gateway.wire.secrets import masked
from sockgate_gateway.wire.tenants import check_tenant

from ..errors import PublicationInvalid
from ..redis_clients.clients import open_client
from ..redis_clients.retries import RETRIES
from .builder import PublicationBuilder, PublishOptions
from .html_data import Swap, html_data
from .positions import read_position
from .sending import Client, send, send_many

if TYPE_CHECKING:
    from redis.credentials import CredentialProvider
    from sockgate_gateway.wire.markup import MarkupSigner

Uid = int | str | UUID

MAX_PAYLOAD = 1024 * 1024
NAMESPACES_AGE_S = 30
"""The time after which the namespaces are read from Redis again."""


class Publisher:
    """Publish to browsers; safe between threads.

    Args:
        redis: the URL of Redis, or a client: a ``RedisCluster``, a Sentinel's ``master_for``.
        namespaces: the policies; None: those that Django has written to Redis.
        max_payload: the limit of one payload in bytes.
        key_prefix: as in Django's ``SOCKGATE``.
        channel_prefix: as in Django's ``SOCKGATE``; None: ``rt:``, with the number of the database
            unless that is 0.
        credentials: a provider of redis-py for credentials that expire, in place of user and
            password in the URL.
        tenant: the tenant to publish to, for a site with ``SOCKGATE["TENANT"]``.
        signing_keys: as in Django's ``SOCKGATE``, for events with markup: ``turbo-stream``, and
            ``publish_html``. The others need none.
        pubsub: for a client of a cluster, what the option ``pubsub`` of the URL says: ``sharded``.
        clock: returns seconds.
    """

    def __init__(
        self,
        redis: "str | Client",
        *,
        namespaces: Namespaces | None = None,
        max_payload: int = MAX_PAYLOAD,
        key_prefix: str = KEY_PREFIX,
        channel_prefix: str | None = None,
        credentials: "CredentialProvider | None" = None,
        tenant: str | None = None,
        signing_keys: Sequence[str] = (),
        pubsub: str | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        # What a traceback shows of this call, and of the caller's clients, is masked.
        redis, signing_keys = masked(redis), masked(signing_keys)
        database = database_of(redis)
        if channel_prefix is not None:
            check_prefix(channel_prefix)
        way = pubsub_of(redis) if pubsub is None else PubSub(pubsub)
        self._names = names_in(database, check_prefix(key_prefix), channel_prefix, way)
        provider = None if credentials is None else RenewedCredentials(credentials)
        self._client = _opened(redis, 0, provider)
        # A client that retries may send twice, so it sends only what has an idempotency key.
        self._retrying = _opened(redis, RETRIES, provider)
        policies = _Policies(self._retrying, self._names, namespaces, clock)
        self._tenant = "" if tenant is None else check_tenant(tenant)
        signer = _markup_signer(signing_keys)
        self._builder = PublicationBuilder(
            policies.current, max_payload, self._tenant_for, lambda: signer
        )

    def publish(self, uid: Uid, event: str, data: Any = None, **how: Unpack[PublishOptions]) -> int:
        """Publish to every browser in which a user is logged in.

        Args:
            uid: the user's primary key, as Django writes it.
            event: the name for ``rt.on(event, …)``; not reserved, as ``error`` is.
            data: any value that ``DjangoJSONEncoder`` takes.
            how: ``sequenced``, ``idempotency_key``, ``exclude``, ``coalesce``; see
                ``builder.PublishOptions``.

        Returns:
            The number of workers that received it; 0 when its ``idempotency_key`` was published
            before.

        Raises:
            TypeError: for an unknown keyword.
            sockgate.errors.PublicationError: the publication cannot be sent as it is.
            redis.RedisError: Redis fails or does not answer.
        """
        return self.publish_to(_channel_of(uid), event, data, **how)

    def publish_to(
        self, channel: str, event: str, data: Any = None, **how: Unpack[PublishOptions]
    ) -> int:
        """Publish to a channel, for example ``room:7``; the rest is as in ``publish``.

        Raises:
            ChannelNameError: the text is not a channel name.
        """
        request = self._builder.build(channel, event, data, how)
        return send(self._client_for(how), self._names, request)

    def publish_to_group(
        self, group: str, event: str, data: Any = None, **how: Unpack[PublishOptions]
    ) -> int:
        """Publish to the members of a Django group, by its name; the rest is as in ``publish``.

        A group may have any name: characters that a channel name cannot have are percent-encoded.
        """
        if not isinstance(group, str) or not group:
            raise PublicationInvalid("expected the name of the group")
        return self.publish_to(group_channel(group), event, data, **how)

    def publish_many(
        self, uids: Iterable[Uid], event: str, data: Any = None, **how: Unpack[PublishOptions]
    ) -> int:
        """Publish to many users in one round trip; the rest is as in ``publish``.

        Returns:
            The number of publications that workers received, summed over the workers.
        """
        if isinstance(uids, str | bytes):
            raise PublicationInvalid("publish_many takes an iterable of primary keys, not one text")
        channels = [_channel_of(uid) for uid in uids]
        requests = self._builder.build_each(channels, event, data, how)
        return send_many(self._client_for(how), self._names, requests)

    def broadcast(self, event: str, data: Any = None, **how: Unpack[PublishOptions]) -> int:
        """Publish to every connection; the rest is as in ``publish``."""
        return self.publish_to(BROADCAST, event, data, **how)

    def publish_html(
        self,
        channel: str,
        target: str,
        html: str,
        swap: Swap = "append",
        **how: Unpack[PublishOptions],
    ) -> int:
        """Put markup into the element with the id ``target`` of the pages of a channel.

        It is as ``sockgate.publish_html``, with the markup in place of a template. Whoever wrote
        the markup must have escaped what users wrote.

        Raises:
            PublicationInvalid: also without ``signing_keys``, or when an argument is not valid.
        """
        data = html_data(target, swap, html)
        request = self._builder.build_html(channel, data, how)
        return send(self._client_for(how), self._names, request)

    def touch(self, channel: str, *, tenant: str | None = None) -> int:
        """Publish the event ``touch`` to a channel: something changed here. It carries no data.

        Args:
            channel: its name, for example ``orders``.
            tenant: the tenant to publish to; None: that of this ``Publisher``.

        Returns:
            The number of workers that received it.

        Raises:
            ChannelNameError: the text is not a channel name.
            redis.RedisError: Redis fails or does not answer.
        """
        return send(self._client, self._names, self._builder.build_touch(channel, tenant))

    def position(self, channel: str) -> Position | None:
        """Return the position of a channel, for a page that is rendered now; see ``positions``."""
        return read_position(self._retrying, self._names, channel, self._tenant)

    def close(self) -> None:
        """Close the connections to Redis."""
        close_client(self._client)
        close_client(self._retrying)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tenant_for(self, chosen: str | None) -> str:
        return self._tenant if chosen is None else check_tenant(chosen)

    def _client_for(self, how: PublishOptions) -> Client:
        return self._client if how.get("idempotency_key") is None else self._retrying


def _opened(redis: "str | Client", retries: int, credentials: Any) -> Client:
    if not isinstance(redis, str):
        if credentials is not None:
            raise ValueError("credentials go with the URL of Redis, not with a client")
        return redis
    return open_client(redis, retries, credentials=credentials)


def _markup_signer(keys: Sequence[str]) -> "MarkupSigner | None":
    if isinstance(keys, str | bytes) or not all(isinstance(key, str) and key for key in keys):
        raise ValueError("signing_keys must be a list of strings, oldest first, as in SOCKGATE")
    if not keys:
        return None
    from sockgate_gateway.wire.markup import MarkupSigner

    return MarkupSigner(keys)


def _channel_of(uid: Uid) -> str:
    if isinstance(uid, bool) or not isinstance(uid, int | str | UUID) or uid == "":
        raise PublicationInvalid(
            f"expected a user's primary key as a number, a text or a UUID, not {type(uid).__name__}"
        )
    return user_channel(str(uid))


class _Policies:
    """The policies passed to ``Publisher``, or those in Redis, read every ``NAMESPACES_AGE_S``."""

    def __init__(
        self,
        client: Client,
        names: Names,
        fixed: Namespaces | None,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._key = names.namespaces
        self._clock = clock
        self._known = fixed or Namespaces()
        self._stale_at = float("-inf") if fixed is None else float("inf")

    def current(self) -> Namespaces:
        """Return the policies, read again when they are too old."""
        if self._clock() >= self._stale_at:
            raw: Any = self._client.get(self._key)
            if raw is not None:  # After Redis was emptied, the last known policies stay.
                self._known = read_namespaces(raw)
            self._stale_at = self._clock() + NAMESPACES_AGE_S
        return self._known
