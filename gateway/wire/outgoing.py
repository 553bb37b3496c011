"""Publications on their way, and the Redis commands that send them.

A plain one is a ``PUBLISH``. A sequenced one is the script ``lua/publish.lua``, called by its
SHA-1; Redis is given its text when it does not know it.
"""

import hashlib
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from .names import Names
from .namespaces import POSITION_TTL_S, Policy
from .scripts import PUBLISH

EPOCH_BYTES = 8
IDEMPOTENCY_TTL_S = 3600

_PUBLISH_SHA1 = hashlib.sha1(PUBLISH.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One publication on its way.

    Args:
        channel: a channel name.
        payload: UTF-8 JSON.
        policy: how it is kept; None: not at all, it is a plain ``PUBLISH``.
        idempotency_key: the publisher's own name for it.
    """

    channel: str
    payload: bytes
    policy: Policy | None = None
    idempotency_key: str | None = None

    def command(self, names: Names, *, with_text: bool = False) -> tuple[Any, ...]:
        """Give the Redis command, with the script's text for a Redis that does not know it."""
        channel = names.channel(self.channel)
        if self.policy is None:
            return ("PUBLISH", channel, self.payload)
        script = ("EVAL", PUBLISH) if with_text else ("EVALSHA", _PUBLISH_SHA1)
        keys, kept = self._keys(names), self._kept(self.policy)
        return (*script, len(keys), *keys, channel, self.payload, token_hex(EPOCH_BYTES), *kept)

    def _keys(self, names: Names) -> tuple[str, str, str]:
        position, key = names.offset(self.channel), self.idempotency_key
        name = position if key is None else names.published(self.channel, key)
        return names.history(self.channel), position, name

    def _kept(self, policy: Policy) -> tuple[Any, ...]:
        remembered_s = 0 if self.idempotency_key is None else IDEMPOTENCY_TTL_S
        age_ms = int(policy.age * 1000)
        return policy.history, age_ms, remembered_s * 1000, "PUBLISH", POSITION_TTL_S * 1000
