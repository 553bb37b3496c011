"""Deployments that share one Redis server, and conflicts between them. Pure.

Each worker registers its deployment in ``REGISTRY``, a hash in database 0 of the server, by the
script ``lua/deployments.lua``. A Redis channel is shared by all databases, so all deployments are
compared. Two of them conflict when a key or channel of one could be named like one of the other.
The workers of one deployment have at least one signing key in common, also while keys rotate. When
all keys are replaced at once, the new workers name the old keys, and the old workers give way.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from time import time
from typing import Any

import msgspec

from .key_ids import fingerprint, short
from .names import Names, are_nested, stem

REGISTRY = "sockgate:deployments"
"""The key of the registry, independent of the prefixes."""

BEAT_S = 5.0
TTL_S = 15
"""The number of seconds after which a killed worker disappears from the registry."""


class Deployment(msgspec.Struct, frozen=True):
    """The configuration of a worker or of Django that must not conflict.

    ``fingerprints`` are one-way names of the signing keys. ``replaces`` has the key ids of keys
    whose workers must give way.
    """

    database: int
    key_prefix: str
    channel_prefix: str
    fingerprints: tuple[str, ...]
    replaces: tuple[str, ...] = ()

    @property
    def names(self) -> Names:
        """Its names of keys and channels."""
        return Names(self.key_prefix, self.channel_prefix, self.database)

    def shares_a_key_with(self, other: "Deployment") -> bool:
        """Return whether both have a signing key in common."""
        return not set(self.fingerprints).isdisjoint(other.fingerprints)

    def supersedes(self, other: "Deployment") -> bool:
        """Return whether this one replaces all signing keys of the other, at the same place."""
        is_named = set(map(short, other.fingerprints)) <= set(self.replaces)
        return self.names == other.names and is_named and not self.shares_a_key_with(other)


class Registered(msgspec.Struct, frozen=True):
    """A live worker's entry.

    ``since`` orders the entries, in microseconds. ``idle_s``: since the worker has renewed it.
    """

    worker: str
    since: int
    deployment: Deployment
    idle_s: float = 0.0


def deployment_of(
    names: Names, signing_keys: Iterable[str], replaced_keys: Iterable[str] = ()
) -> Deployment:
    """Describe a deployment by its names and signing keys, and the ids of those it replaces."""
    fingerprints = tuple(sorted(map(fingerprint, signing_keys)))
    place = names.database, names.key_prefix, names.channel_prefix
    return Deployment(*place, fingerprints, tuple(sorted(replaced_keys)))


def registration(deployment: Deployment, worker: str) -> tuple[Any, ...]:
    """Return the arguments of the script that registers a worker and lists the live ones."""
    text = msgspec.json.encode(deployment)
    return (REGISTRY, deployment.database, worker, text, TTL_S, time())


def withdrawal(database: int, worker: str) -> tuple[Any, ...]:
    """Return the arguments of the script that removes a worker."""
    return (REGISTRY, database, worker, "", TTL_S, time())


def listing(database: int) -> tuple[Any, ...]:
    """Return the arguments of the script that only lists the live workers."""
    return (REGISTRY, database, "", "", TTL_S, time())


def read_registered(reply: Sequence[Any]) -> list[Registered]:
    """Read what the script returns; an entry that this version cannot read is left out."""
    found = []
    columns = (reply[place::4] for place in range(4))
    for worker, since, text, idle_us in zip(*columns, strict=True):
        try:
            deployment = msgspec.json.decode(text, type=Deployment)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        name = worker.decode(errors="replace")
        found.append(Registered(name, int(since), deployment, int(idle_us) / 1e6))
    return found


def conflict(ours: Deployment, theirs: Deployment) -> str:
    """Return why two deployments conflict, and what to set; empty: they do not."""
    if ours.names == theirs.names:
        is_well = ours.shares_a_key_with(theirs) or ours.supersedes(theirs)
        return "" if is_well else _other_keys(ours)
    pairs = product(_beginnings(ours), _beginnings(theirs))
    return next((_overlap(ours, theirs, *pair) for pair in pairs if are_nested(*pair)), "")


def first_conflict(ours: Deployment, others: Iterable[Deployment]) -> str:
    """Describe the first conflict with another deployment; empty: there is none."""
    return next(filter(None, (conflict(ours, other) for other in others)), "")


def replacement(ours: Deployment, others: Iterable[Deployment]) -> str:
    """Return why this deployment gives way to one that replaces its keys; empty: there is none."""
    if not any(other.supersedes(ours) for other in others):
        return ""
    return (
        "all signing keys of this gateway were replaced (SOCKGATE_REPLACED_KEYS of another gateway "
        "names them): stop it, or give it the new SOCKGATE_SIGNING_KEYS"
    )


def _beginnings(one: Deployment) -> list[str]:
    """List what begins its keys and channels, those of tenants included."""
    prefixes = one.names.channel_prefix, one.names.control_prefix
    return [*prefixes, *map(stem, prefixes)]


def _other_keys(ours: Deployment) -> str:
    return (
        "another deployment, with other signing keys, uses the same Redis database "
        f"({ours.database}), KEY_PREFIX ({ours.key_prefix!r}) and channel prefix "
        f"({ours.channel_prefix!r}). If it is another site, give this one another database in "
        "SOCKGATE_REDIS_URL; if it is this site, set the same SOCKGATE_SIGNING_KEYS, or name the "
        "former ones in SOCKGATE_REPLACED_KEYS"
    )


def _overlap(ours: Deployment, theirs: Deployment, prefix: str, other: str) -> str:
    return (
        f"the prefix {prefix!r} of this deployment (database {ours.database}) and {other!r} of "
        f"another one on this Redis server (database {theirs.database}) begin alike, so that one "
        "would receive what is the other's. Set another SOCKGATE_CHANNEL_PREFIX and "
        "SOCKGATE_KEY_PREFIX (in Django CHANNEL_PREFIX and KEY_PREFIX), or another database in "
        "SOCKGATE_REDIS_URL and no SOCKGATE_CHANNEL_PREFIX"
    )
