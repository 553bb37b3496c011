"""Requests to publish, and their Redis commands.

A plain publication is a ``PUBLISH``, or a ``SPUBLISH`` (``Names.publish_command``). A sequenced one
is the script ``lua/publish.lua``, called by its SHA-1, or with its text when Redis has none.
"""

import hashlib
from dataclasses import dataclass, field
from secrets import token_hex
from time import time
from typing import TYPE_CHECKING, Any

from .names import Names
from .namespaces import POSITION_TTL_S, Policy
from .publication import Coalescing, Publication, write_publication
from .scripts import PUBLISH, TOUCH
from .touches import TOUCH_TTL_MS, first_mark, touch_key

if TYPE_CHECKING:
    from .markup import MarkupSigner

EPOCH_BYTES = 8
IDEMPOTENCY_TTL_S = 3600

_PUBLISH_SHA1 = hashlib.sha1(PUBLISH.encode(), usedforsecurity=False).hexdigest()
_TOUCH_SHA1 = hashlib.sha1(TOUCH.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """A request to publish once on one channel.

    Args:
        channel: a channel name.
        payload: UTF-8 JSON.
        policy: how it is kept; None: a plain ``PUBLISH``, which is not kept.
        idempotency_key: with the same key, repeated requests within an hour publish once.
        excluded: id of a connection that does not receive it; None: all subscribers do.
        coalescing: of a plain publication, its key and window; None: each is delivered.
        markup: signs the payload when it is sent; None: pages do not insert it as markup.
        position_ttl_s: how long the position of the channel lives at least.
        is_touch: it is counted by ``lua/touch.lua``, which writes its payload.
    """

    channel: str
    payload: bytes
    policy: Policy | None = None
    idempotency_key: str | None = None
    excluded: str | None = None
    coalescing: Coalescing | None = None
    markup: "MarkupSigner | None" = field(default=None, repr=False, compare=False)
    is_touch: bool = False
    position_ttl_s: int = POSITION_TTL_S

    def command(self, names: Names, *, with_text: bool = False) -> tuple[Any, ...]:
        """Return the Redis command; ``with_text`` for a server without the script."""
        channel = names.channel(self.channel)
        if self.is_touch:
            touch = ("EVAL", TOUCH) if with_text else ("EVALSHA", _TOUCH_SHA1)
            mark = (touch_key(names, self.channel), channel, first_mark(), TOUCH_TTL_MS)
            return (*touch, 1, *mark, names.publish_command(channel))
        payload = self.payload if self.markup is None else self.markup.sign(channel, self.payload)
        if self.policy is None:
            plain = Publication(payload, "", 0, self.excluded or "", self.coalescing)
            return (names.publish_command(channel), channel, write_publication(plain))
        script = ("EVAL", PUBLISH) if with_text else ("EVALSHA", _PUBLISH_SHA1)
        keys, kept = self._keys(names), self._kept(self.policy, names.publish_command(channel))
        return (*script, len(keys), *keys, channel, payload, token_hex(EPOCH_BYTES), *kept)

    def without_mark(self, names: Names) -> tuple[Any, ...]:
        """Return the command for an account that may only publish: a touch that is not counted."""
        channel = names.channel(self.channel)
        return (names.publish_command(channel), channel, self.payload)

    def _keys(self, names: Names) -> tuple[str, str, str]:
        position, key = names.offset(self.channel), self.idempotency_key
        name = position if key is None else names.published(self.channel, key)
        return names.history(self.channel), position, name

    def _kept(self, policy: Policy, command: str) -> tuple[Any, ...]:
        remembered_s = 0 if self.idempotency_key is None else IDEMPOTENCY_TTL_S
        age_ms = int(policy.age * 1000)
        ttl_ms = self.position_ttl_s * 1000
        kept = (policy.history, age_ms, remembered_s * 1000, command, ttl_ms)
        return (*kept, self.excluded or "", int(time() * 1000))
