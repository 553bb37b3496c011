"""Reading and checking ``SOCKGATE["NAMESPACES"]``. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.names import BROADCAST, check_channel, is_automatic
from sockgate_gateway.wire.namespaces import Namespaces, Policy

_FIELDS = frozenset(Policy.__struct_fields__)


def problems(raw: Mapping[Any, Any]) -> Iterator[str]:
    """List every problem of the dict of namespaces."""
    for name, policy in raw.items():
        yield from (f"Namespace {name!r}: {problem}" for problem in _problems_of(name, policy))


def _problems_of(name: Any, policy: Any) -> Iterator[str]:
    if not _is_name(name):
        yield "its name must have the characters that a channel name has before the colon."
    if not isinstance(policy, Mapping):
        yield "its policy must be a dict."
        return
    yield from (f"{field!r} is not known." for field in policy if field not in _FIELDS)
    try:
        checked = msgspec.convert(dict(policy), Policy)
    except msgspec.ValidationError as error:
        yield f"{error}."
    else:
        yield from _limits(checked)
        if checked.conflict:
            yield f"{checked.conflict}."
        if checked.public and is_assigned(name):
            yield "only the server subscribes to its channels, so that it cannot be public."
        if checked.publish != "server" and name == BROADCAST:
            yield "every connection receives it, so that only the server may publish there."


def _is_name(name: Any) -> bool:
    try:
        return isinstance(name, str) and ":" not in name and bool(check_channel(name))
    except ChannelNameError:
        return False


def is_assigned(name: Any) -> bool:
    """Return whether the server subscribes connections to the channels of a namespace."""
    return is_automatic(str(name)) or is_automatic(f"{name}:")


def _limits(policy: Policy) -> Iterator[str]:
    if policy.history < 0:
        yield "'history' is a number of publications, 0 or more."
    if not 0 < policy.age < float("inf"):
        yield "'age' is a number of seconds above 0."


def read(raw: Mapping[str, Mapping[str, Any]]) -> Namespaces:
    """Read a dict that has no problems."""
    return Namespaces({name: msgspec.convert(dict(raw[name]), Policy) for name in raw})
