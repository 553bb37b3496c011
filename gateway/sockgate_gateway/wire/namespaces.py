"""Namespaces: the part before a channel's first colon decides how the channel behaves.

Django declares them in ``SOCKGATE["NAMESPACES"]`` and writes them to ``Names.namespaces`` as one
JSON object, name to policy. The gateway reads them there. An undeclared namespace has the defaults.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

import msgspec

from .errors import NamespacesError
from .names import namespace_of

POSITION_TTL_S = 30 * 24 * 3600
"""How long Redis keeps the position of a silent channel; then its epoch ends."""

OTHER = "other"
"""In metrics, all namespaces that are not declared."""

NAMED_BY_CLIENTS_TTL_S = 24 * 3600
"""The same where only clients have named the channel, and Django has published nothing there."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How the channels of one namespace behave.

    Args:
        history: how many sequenced publications are kept.
        age: for how many seconds.
        recover: whether a reconnecting client receives missed publications.
        presence: whether a subscriber may ask for the presence of the channel.
        join_leave: whether subscribers receive ``join`` and ``leave``.
        public: whether a client may subscribe without a grant.
        publish: who may publish. ``server``: programs that write to Redis. ``subscribers``: also
            every subscribed user, from the browser.
        overflow: what happens to a client that reads too slowly. ``close`` closes it; it may
            reconnect and recover. ``latest`` keeps only the newest publication of each channel.
        state: what a subscriber receives that has no position, or has lost it. ``latest``: the
            newest publication of the channel, as far as the history has it.
        presence_limit: with more users than this, an answer with presence has only their number.
        presence_data: what presence shows of users beside their number. ``server``: what Django
            says about a user. ``subscribers``: also what each subscribed page of a user says.
    """

    history: int = 100
    age: float = 3600
    recover: bool = True
    presence: bool = False
    join_leave: bool = False
    public: bool = False
    publish: Literal["server", "subscribers"] = "server"
    overflow: Literal["close", "latest"] = "close"
    state: Literal["none", "latest"] = "none"
    presence_data: Literal["none", "server", "subscribers"] = "none"
    plain: bool = True
    presence_limit: int = 1000

    @property
    def client_ttl_s(self) -> int:
        """How long Redis keeps a position that a client's request has begun."""
        if not self.public:
            return POSITION_TTL_S  # Django has named the channel: it signed a grant.
        return int(min(max(NAMED_BY_CLIENTS_TTL_S, self.age), POSITION_TTL_S))

    @property
    def is_stored_by_clients(self) -> bool:
        """Whether a channel that only a client has named leaves keys in Redis."""
        from_browser = self.publish == "subscribers" and self.history > 0
        return self.public and (self.recover or from_browser)

    @property
    def conflict(self) -> str:
        """Why two fields contradict each other; empty: they do not."""
        if self.state == "latest" and not (self.recover and self.history >= 1):
            return "'state': 'latest' needs 'recover': true and a 'history' of 1 or more"
        if not self.plain and not (self.recover and self.history >= 1):
            return "'plain': false needs 'recover': true and a 'history' of 1 or more"
        if self.presence_limit < 0:
            return "'presence_limit' must be 0 or more"
        if self.presence_data != "none" and not self.presence:
            return f"'presence_data': '{self.presence_data}' needs 'presence': true"
        return ""


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
        """Return the policy of a channel."""
        return self._policies.get(namespace_of(channel), DEFAULT)

    def names(self) -> Collection[str]:
        """Return the declared namespaces."""
        return self._policies.keys()

    def items(self) -> Iterable[tuple[str, Policy]]:
        """Return each declared namespace with its policy."""
        return self._policies.items()

    def is_sequenced(self, channel: str) -> bool:
        """Return whether publications are kept unless their publisher says otherwise."""
        policy = self._policies.get(namespace_of(channel))
        return policy is not None and policy.history > 0

    def to_json(self) -> bytes:
        """Encode them for Redis."""
        return msgspec.json.encode(self._policies)


def read_namespaces(raw: bytes | str) -> Namespaces:
    """Read policies: ``{"room": {"history": 100, "age": 3600, "presence": true}}``.

    Unknown fields are ignored, because Django may have a newer version.

    Raises:
        NamespacesError: it is not JSON, a field has the wrong type, or two contradict each other.
    """
    try:
        policies = _policies.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NamespacesError(str(error)[:200]) from error
    for name, policy in policies.items():
        if policy.conflict:
            raise NamespacesError(f"namespace {name[:64]!r}: {policy.conflict}")
    return Namespaces(policies)
