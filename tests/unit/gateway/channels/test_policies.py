"""Policies come from Django, unless the gateway has its own."""

import pytest
from sockgate_gateway.channels.policies import Policies
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.wire.errors import NamespacesError


class FakeSettings:
    """What Django has written."""

    def __init__(self, raw: bytes | None) -> None:
        self.raw = raw
        self.is_away = False

    async def read_namespaces(self) -> bytes | None:
        if self.is_away:
            raise BrokerUnavailable("away")
        return self.raw


async def test_policies_are_those_of_django():
    settings = FakeSettings(b'{"room": {"presence": true}}')
    policies = Policies(settings)
    assert await policies.refresh()
    assert not await policies.refresh()
    assert policies.of("room:7").presence
    assert not policies.of("roomy:7").presence
    settings.raw = b"{}"
    assert await policies.refresh()
    assert not policies.of("room:7").presence


async def test_policies_stay_when_redis_was_emptied():
    settings = FakeSettings(b'{"room": {"public": true}}')
    policies = Policies(settings)
    await policies.refresh()
    settings.raw = None
    await policies.refresh()
    assert policies.of("room:7").public


@pytest.mark.parametrize("raw", [b"nonsense", b'{"room": {"history": "many"}}', b"\xff"])
async def test_invalid_table_keeps_the_policies(raw, caplog):
    settings = FakeSettings(b'{"room": {"public": true}}')
    policies = Policies(settings)
    await policies.refresh()
    settings.raw = raw
    await policies.refresh()
    settings.is_away = True
    await policies.refresh()
    assert policies.of("room:7").public
    assert caplog.text.count("event=namespaces_unread") == 2


async def test_own_policies_replace_those_of_django():
    policies = Policies(FakeSettings(b'{"room": {"public": false}}'), '{"room": {"public": true}}')
    await policies.refresh()
    assert policies.of("room:7").public


def test_own_policies_must_be_valid():
    with pytest.raises(NamespacesError):
        Policies(FakeSettings(None), "nonsense")
