"""Namespaces: what stands before a channel's first colon decides how the channel behaves.

Django declares them in ``SOCKGATE["NAMESPACES"]`` and writes them to ``Names.namespaces`` as one
JSON object, name to policy; the gateway reads them there. Who is not declared has the defaults.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from .errors import NamespacesError
from .names import namespace_of

POSITION_TTL_S = 30 * 24 * 3600
"""How long Redis remembers where a silent channel stands; then its epoch ends."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How the channels of one namespace behave.

    Args:
        history: how many sequenced publications are kept.
        age: for how many seconds.
        recover: whether a browser that comes back is given what it missed.
        presence: whether a browser on the channel may ask who is there.
        join_leave: whether those on the channel are told who comes and goes.
        public: whether anyone may subscribe without a grant.
        publish: who may publish: ``server``, whoever can write to Redis; ``subscribers``, besides
            every user who hears the channel, from his browser.
        overflow: what happens to a browser that does not read: ``close`` lets it come back and
            recover, ``latest`` keeps only the newest publication of each channel for it.
    """

    history: int = 100
    age: float = 3600
    recover: bool = True
    presence: bool = False
    join_leave: bool = False
    public: bool = False
    publish: Literal["server", "subscribers"] = "server"
    overflow: Literal["close", "latest"] = "close"


DEFAULT = Policy()

_policies: msgspec.json.Decoder[dict[str, Policy]] = msgspec.json.Decoder(dict[str, Policy])


class Namespaces:
    """The policies of a deployment, by namespace."""

    def __init__(self, policies: Mapping[str, Policy] | None = None) -> None:
        self._policies = dict(policies or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Namespaces) and self._policies == other._policies

    __hash__ = None  # type: ignore[assignment]

    def of(self, channel: str) -> Policy:
        """Give the policy of a channel."""
        return self._policies.get(namespace_of(channel), DEFAULT)

    def is_sequenced(self, channel: str) -> bool:
        """Tell whether publications are kept unless their publisher says otherwise."""
        policy = self._policies.get(namespace_of(channel))
        return policy is not None and policy.history > 0

    def to_json(self) -> bytes:
        """Write them as Redis keeps them."""
        return msgspec.json.encode(self._policies)


def read_namespaces(raw: bytes | str) -> Namespaces:
    """Read policies: ``{"room": {"history": 100, "age": 3600, "presence": true}}``.

    Fields that this version does not know are passed over: Django may be newer.

    Raises:
        NamespacesError: it is not JSON, or a field has the wrong type.
    """
    try:
        return Namespaces(_policies.decode(raw))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NamespacesError(str(error)[:200]) from error
