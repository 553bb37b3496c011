from typing import Any

import pytest

from djangoauth.composer import Composer, How
from djangoauth.errors import PublicationInvalid, PublicationTooLarge
from gateway.wire.errors import ChannelNameError
from gateway.wire.names import Names
from gateway.wire.namespaces import DEFAULT, Namespaces, Policy
from gateway.wire.outgoing import Outgoing
from gateway.wire.scripts import PUBLISH

ROOM = Policy(history=7, age=60)
NAMESPACES = Namespaces({"room": ROOM, "ticker": Policy(history=0)})
NAMES = Names()
PAYLOAD = b'{"event":"news","data":1}'


def compose(channel: str, **how: Any) -> Outgoing:
    return Composer(lambda: NAMESPACES, 100).compose(channel, "news", 1, How(**how))


@pytest.mark.parametrize(
    ("channel", "sequenced", "policy"),
    [
        ("room:7", None, ROOM),
        ("room:7", False, None),
        ("ticker:gold", None, None),
        ("ticker:gold", True, Policy(history=0)),
        ("user:7", None, None),
        ("user:7", True, DEFAULT),
    ],
)
def test_compose_follows_the_namespace(channel: str, sequenced: Any, policy: Any) -> None:
    assert compose(channel, sequenced=sequenced) == Outgoing(channel, PAYLOAD, policy)


def test_compose_sequences_what_has_an_idempotency_key() -> None:
    expected = Outgoing("user:7", PAYLOAD, DEFAULT, "order-9")
    assert compose("user:7", idempotency_key="order-9") == expected


@pytest.mark.parametrize("key", ["", "x" * 256, 7, b"order-9"])
def test_compose_refuses_what_is_no_idempotency_key(key: Any) -> None:
    with pytest.raises(PublicationInvalid, match="idempotency key"):
        compose("user:7", idempotency_key=key)


def test_compose_refuses_a_key_of_a_plain_publication() -> None:
    with pytest.raises(PublicationInvalid, match="only a sequenced"):
        compose("user:7", idempotency_key="order-9", sequenced=False)


def test_compose_refuses_what_is_no_channel() -> None:
    with pytest.raises(ChannelNameError):
        compose("{room}")


def test_compose_refuses_what_is_too_large() -> None:
    with pytest.raises(PublicationTooLarge):
        Composer(lambda: NAMESPACES, 24).compose("room:7", "news", 1, {})


def test_compose_each_encodes_once() -> None:
    batch = Composer(lambda: NAMESPACES, 100).compose_each(["room:7", "user:7"], "news", 1, {})
    assert [one.channel for one in batch] == ["room:7", "user:7"]
    assert batch[0].payload is batch[1].payload


def test_command_of_a_plain_publication_is_publish() -> None:
    assert Outgoing("user:7", PAYLOAD).command(NAMES) == ("PUBLISH", "rt:user:7", PAYLOAD)


def test_command_of_a_sequenced_publication_is_the_script() -> None:
    one = Outgoing("room:7", PAYLOAD, ROOM)
    name, script, *rest = one.command(NAMES, with_text=True)
    keys = ("sockgate:history:{rt:room:7}", *["sockgate:offset:{rt:room:7}"] * 2)
    epoch = rest.pop(6)
    assert (name, script) == ("EVAL", PUBLISH)
    assert rest == [3, *keys, "rt:room:7", PAYLOAD, 7, 60_000, 0, "PUBLISH", 2_592_000_000]
    assert isinstance(epoch, str)
    assert epoch.isalnum()


def test_command_names_what_must_not_be_published_twice() -> None:
    command = Outgoing("room:7", PAYLOAD, ROOM, "order-9").command(NAMES)
    assert command[5] == "sockgate:published:{rt:room:7}:order-9"
    assert command[11] == 3_600_000
