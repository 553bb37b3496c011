"""Policies come from Django, unless this gateway was given its own."""

import pytest

from gateway.errors import BrokerUnavailable
from gateway.namespaces import PolicyBook
from gateway.wire.errors import NamespacesError


class FakeSettings:
    """What Django has written."""

    def __init__(self, raw: bytes | None) -> None:
        self.raw = raw
        self.is_away = False

    async def read_namespaces(self) -> bytes | None:
        if self.is_away:
            raise BrokerUnavailable("away")
        return self.raw


async def test_policies_are_those_that_django_declares():
    settings = FakeSettings(b'{"room": {"presence": true}}')
    changes, book = [], PolicyBook(settings)
    book.on_change = lambda: changes.append(1)
    await book.refresh()
    await book.refresh()
    assert book.of("room:7").presence
    assert not book.of("roomy:7").presence
    assert changes == [1]
    settings.raw = b"{}"
    await book.refresh()
    assert not book.of("room:7").presence


async def test_policies_outlive_a_redis_that_was_emptied():
    settings = FakeSettings(b'{"room": {"public": true}}')
    book = PolicyBook(settings)
    await book.refresh()
    settings.raw = None
    await book.refresh()
    assert book.of("room:7").public


@pytest.mark.parametrize("raw", [b"nonsense", b'{"room": {"history": "many"}}', b"\xff"])
async def test_what_cannot_be_read_changes_nothing(raw, caplog):
    settings = FakeSettings(b'{"room": {"public": true}}')
    book = PolicyBook(settings)
    await book.refresh()
    settings.raw = raw
    await book.refresh()
    settings.is_away = True
    await book.refresh()
    assert book.of("room:7").public
    assert caplog.text.count("event=namespaces_unread") == 2


async def test_policies_of_its_own_win():
    book = PolicyBook(FakeSettings(b'{"room": {"public": false}}'), '{"room": {"public": true}}')
    await book.refresh()
    assert book.of("room:7").public


def test_policies_of_its_own_must_be_readable():
    with pytest.raises(NamespacesError):
        PolicyBook(FakeSettings(None), "nonsense")
