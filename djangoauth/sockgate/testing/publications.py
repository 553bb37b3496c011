"""Publications that a test has captured, and assertions about them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from django.core.serializers.json import DjangoJSONEncoder
from sockgate_gateway.wire.events import TOUCH
from sockgate_gateway.wire.publish_request import PublishRequest
from sockgate_gateway.wire.tenants import SEPARATOR, without_tenant

from ..users.recipients import channel_of

ANY_DATA: Any = ...
"""Stands for any data."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication.

    Args:
        channel: its name, without the tenant.
        event: the name of the event.
        data: as browsers receive it.
        is_sequenced: whether it is kept in the channel's history.
        idempotency_key: with which it was published.
        tenant: to which it was published; empty without tenants.
        excluded: id of the connection that does not receive it.
        coalesce: the key with which it was published.
    """

    channel: str
    event: str
    data: Any
    is_sequenced: bool = False
    idempotency_key: str | None = None
    tenant: str = ""
    excluded: str | None = None
    coalesce: str | None = None

    def __str__(self) -> str:
        """Return one line for the message of a failed assertion."""
        return f"{self.channel} {self.event} {json.dumps(self.data, ensure_ascii=False)}"


def publication_of(request: PublishRequest) -> Publication:
    """Read what is about to be sent to Redis."""
    payload = json.loads(request.payload)
    tenant, separator, _ = request.channel.partition(SEPARATOR)
    return Publication(
        without_tenant(request.channel),
        payload["event"],
        payload["data"],
        request.policy is not None,
        request.idempotency_key,
        tenant if separator else "",
        request.excluded,
        request.coalescing.key if request.coalescing else None,
    )


def is_same_data(expected: Any, data: Any) -> bool:
    """Compare data with what was published, which has gone through JSON."""
    return expected is ANY_DATA or expected == data or _through_json(expected) == data


def _through_json(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, cls=DjangoJSONEncoder))
    except (TypeError, ValueError):
        return value


class CapturedPublications(Sequence[Publication]):
    """The publications of a test, oldest first."""

    def __init__(self) -> None:
        self._found: list[Publication] = []
        self._keys: set[tuple[str, str, str]] = set()

    def record(self, request: PublishRequest) -> bool:
        """Add a publication; False: its idempotency key was published before."""
        publication = publication_of(request)
        key = publication.idempotency_key
        if key is not None:
            known = (publication.tenant, publication.channel, key)
            if known in self._keys:
                return False
            self._keys.add(known)
        self._found.append(publication)
        return True

    def clear(self) -> None:
        """Forget what was published so far; idempotency keys stay known."""
        self._found.clear()

    @overload
    def __getitem__(self, place: int) -> Publication: ...
    @overload
    def __getitem__(self, place: slice) -> list[Publication]: ...
    def __getitem__(self, place: int | slice) -> Publication | list[Publication]:
        return self._found[place]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Publication]:
        return iter(self._found)

    def to(self, recipient: Any) -> list[Publication]:
        """Return the publications on the channel of a recipient."""
        channel = channel_of(recipient)
        return [publication for publication in self if publication.channel == channel]

    def assert_published(
        self, to: Any, event: str, data: Any = ANY_DATA, *, times: int = 1
    ) -> list[Publication]:
        """Check that an event was published to a recipient ``times`` times.

        Args:
            to: a user, a primary key as a number, a group, or a channel's name.
            event: its name.
            data: as it was passed to ``publish``; default: any.
            times: how often.

        Returns:
            The publications.

        Raises:
            AssertionError: it was published more or less often.
        """
        found = [
            publication
            for publication in self.to(to)
            if publication.event == event and is_same_data(data, publication.data)
        ]
        if len(found) != times:
            wanted = f"{channel_of(to)} {event}"
            if data is not ANY_DATA:
                wanted += f" {_shown(data)}"
            raise AssertionError(f"{wanted}: published {len(found)}, not {times} times. {self}")
        return found

    def assert_touched(self, to: Any, *, times: int = 1) -> list[Publication]:
        """Check that a channel was touched ``times`` times, as ``assert_published`` does.

        However often a block touches a channel inside of a transaction, it counts once.
        """
        return self.assert_published(to, TOUCH, times=times)

    def assert_nothing_published(self, to: Any = None) -> None:
        """Check that nothing was published to a recipient; without one, to nobody at all.

        Raises:
            AssertionError: something was.
        """
        found = list(self) if to is None else self.to(to)
        if found:
            raise AssertionError(f"{len(found)} publications, expected none. {self}")

    def __str__(self) -> str:
        """List all publications."""
        if not self._found:
            return "Nothing was published."
        return "Published:\n" + "\n".join(f"  {publication}" for publication in self)


def _shown(data: Any) -> str:
    value = _through_json(data)
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(data)
