"""What the publishing calls share: when a publication is sent, and with which Redis client."""

from collections.abc import Iterable
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from sockgate_gateway.wire.names import user_channel
from sockgate_gateway.wire.publish_request import PublishRequest

from .. import conf
from ..redis_clients import pools
from ..redis_clients.time_budget import without_budget
from ..tenants import tenant_for
from ..users.recipients import UserOrPk, check_several, uid_of
from . import sending
from .builder import PublicationBuilder
from .outbox import OUTBOX
from .transactions import Later, after_commit, open_aliases

if TYPE_CHECKING:
    from sockgate_gateway.wire.markup import MarkupSigner


def new_builder() -> PublicationBuilder:
    """Make a builder with the settings in force."""
    config = conf.current()
    return PublicationBuilder(
        lambda: config.namespaces,
        config.max_payload,
        tenant_for,
        lambda: markup_signer(config.signing_keys),
    )


@lru_cache(maxsize=8)
def markup_signer(keys: tuple[str, ...]) -> "MarkupSigner":
    """Return the signer of markup with these keys, whose derivation takes a moment."""
    from sockgate_gateway.wire.markup import MarkupSigner

    return MarkupSigner(keys)


def user_channels(users: Iterable[UserOrPk]) -> list[str]:
    """Name the channels of users; raises as ``publish_many``."""
    return [user_channel(uid_of(user)) for user in check_several(users)]


def send_one_now(one: PublishRequest) -> int:
    """Send a publication now; see ``sending.send``."""
    return sending.send(_client_for([one]), conf.current().names, one)


def send_now(batch: list[PublishRequest]) -> int:
    """Send publications now; see ``sending.send_many``."""
    if len(batch) == 1:
        return send_one_now(batch[0])
    return sending.send_many(_client_for(batch), conf.current().names, batch)


def deliver(batch: list[PublishRequest]) -> int | None:
    """Send publications whose change is committed: now, or in the background.

    Returns:
        How many workers have received them; None: they wait in the background.

    Raises:
        redis.RedisError: Redis failed, and may have them already, or refuses them.
    """
    return OUTBOX.deliver(batch, _send_each_now)


def try_later(batch: list[PublishRequest], error: Exception) -> None:
    """Send publications in the background, which have failed now.

    Raises:
        redis.RedisError: that error, where Redis may have them already, or refuses them.
    """
    OUTBOX.try_later(batch, _send_each_now, error)


def _send_each_now(batch: list[PublishRequest]) -> int:
    with without_budget():
        return send_now(batch)


def _client_for(batch: list[PublishRequest]) -> sending.Client:
    return pools.records() if _may_repeat(batch) else pools.publisher()


async def async_client_for(batch: list[PublishRequest]) -> Any:
    """Return the running loop's client for these publications."""
    return await (pools.async_records() if _may_repeat(batch) else pools.async_publisher())


def _may_repeat(batch: list[PublishRequest]) -> bool:
    """Check that sending twice publishes once, so that a client that retries may send these."""
    return all(one.idempotency_key for one in batch)


def aliases_to_await(on_commit: bool | None, using: str | None) -> list[str]:
    """List the databases whose commit a publication waits for."""
    return open_aliases(using) if _waits(on_commit, using) else []


def _waits(on_commit: bool | None, using: str | None) -> bool:
    if on_commit is False and using is not None:
        raise TypeError("on_commit=False publishes at once, so that using has no meaning")
    if on_commit is None and using is None:
        return conf.current().publish_on_commit
    return on_commit is not False


def now_or_on_commit(
    batch: list[PublishRequest], aliases: list[str], later: Later = after_commit
) -> int | None:
    """Send at the commit of these databases; without any, send now and return the count.

    A touch outside of a transaction follows a change that is committed already.
    """
    if aliases:
        later(partial(deliver, batch), aliases)
        return None
    if not batch:
        return 0
    is_touch = batch[0].is_touch  # Then it is the only one.
    return deliver(batch) if is_touch else send_now(batch)


async def awaits_commit(
    batch: list[PublishRequest],
    on_commit: bool | None,
    using: str | None,
    later: Later = after_commit,
) -> bool:
    """Register the sending with the open transactions; False when there are none."""

    def register() -> bool:
        aliases = open_aliases(using)
        if aliases:
            later(partial(deliver, batch), aliases)
        return bool(aliases)

    return _waits(on_commit, using) and await sync_to_async(register)()
