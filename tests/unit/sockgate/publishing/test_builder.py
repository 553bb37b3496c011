from typing import Any

import pytest
from django.test import AsyncRequestFactory, RequestFactory
from sockgate.errors import PublicationInvalid, PublicationTooLarge
from sockgate.publishing.builder import PublicationBuilder, PublishOptions
from sockgate_gateway.wire.errors import ChannelNameError
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import DEFAULT, Namespaces, Policy
from sockgate_gateway.wire.publish_request import PublishRequest
from sockgate_gateway.wire.scripts import PUBLISH

ROOM = Policy(history=7, age=60)
NAMESPACES = Namespaces({"room": ROOM, "ticker": Policy(history=0)})
NAMES = Names()
PAYLOAD = b'{"event":"news","data":1}'


def build(channel: str, **how: Any) -> PublishRequest:
    return PublicationBuilder(lambda: NAMESPACES, 100).build(
        channel, "news", 1, PublishOptions(**how)
    )


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
def test_build_follows_the_namespace(channel: str, sequenced: Any, policy: Any) -> None:
    assert build(channel, sequenced=sequenced) == PublishRequest(channel, PAYLOAD, policy)


def test_build_sequences_a_publication_with_an_idempotency_key() -> None:
    expected = PublishRequest("user:7", PAYLOAD, DEFAULT, "order-9")
    assert build("user:7", idempotency_key="order-9") == expected


@pytest.mark.parametrize("key", ["", "x" * 256, 7, b"order-9"])
def test_build_rejects_a_bad_idempotency_key(key: Any) -> None:
    with pytest.raises(PublicationInvalid, match="idempotency key"):
        build("user:7", idempotency_key=key)


def test_build_rejects_a_key_of_a_plain_publication() -> None:
    with pytest.raises(PublicationInvalid, match="only a sequenced"):
        build("user:7", idempotency_key="order-9", sequenced=False)


def test_build_rejects_a_bad_channel_name() -> None:
    with pytest.raises(ChannelNameError):
        build("{room}")


def test_build_rejects_a_payload_over_the_limit() -> None:
    with pytest.raises(PublicationTooLarge):
        PublicationBuilder(lambda: NAMESPACES, 24).build("room:7", "news", 1, {})


def test_build_each_encodes_once() -> None:
    batch = PublicationBuilder(lambda: NAMESPACES, 100).build_each(
        ["room:7", "user:7"], "news", 1, {}
    )
    assert [one.channel for one in batch] == ["room:7", "user:7"]
    assert batch[0].payload is batch[1].payload


def test_command_of_a_plain_publication_is_publish() -> None:
    assert PublishRequest("user:7", PAYLOAD).command(NAMES) == ("PUBLISH", "rt:user:7", PAYLOAD)


def test_command_of_a_sequenced_publication_is_the_script() -> None:
    one = PublishRequest("room:7", PAYLOAD, ROOM)
    name, script, *rest = one.command(NAMES, with_text=True)
    keys = ("sockgate:history:{rt:room:7}", *["sockgate:offset:{rt:room:7}"] * 2)
    epoch, now = rest.pop(6), rest.pop()
    assert (name, script) == ("EVAL", PUBLISH)
    assert rest == [3, *keys, "rt:room:7", PAYLOAD, 7, 60_000, 0, "PUBLISH", 2_592_000_000, ""]
    assert isinstance(now, int)
    assert isinstance(epoch, str)
    assert epoch.isalnum()


def test_command_of_an_idempotency_key_names_it() -> None:
    command = PublishRequest("room:7", PAYLOAD, ROOM, "order-9").command(NAMES)
    assert command[5] == "sockgate:published:{rt:room:7}:order-9"
    assert command[11] == 3_600_000


@pytest.mark.parametrize("sequenced", ["yes", 1])
def test_build_rejects_sequenced_of_another_type(sequenced: Any) -> None:
    with pytest.raises(PublicationInvalid, match="True, False or None"):
        build("room:7", sequenced=sequenced)


ID = "Kx3_abc-DEF45678"


@pytest.mark.parametrize(
    ("exclude", "excluded"),
    [
        (None, None),
        (ID, ID),
        ("", None),
        ("no id", None),
        ("x" * 65, None),
        (RequestFactory().post("/"), None),
        (RequestFactory().post("/", headers={"X-Sockgate-Connection": ID}), ID),
        (RequestFactory().post("/", headers={"x-sockgate-connection": f"{ID}#1"}), None),
        (AsyncRequestFactory().post("/", headers={"X-Sockgate-Connection": ID}), ID),
    ],
)
def test_build_excludes_the_connection_of_a_request(exclude: Any, excluded: str | None) -> None:
    assert build("user:7", exclude=exclude).excluded == excluded
    assert build("room:7", exclude=exclude).excluded == excluded


@pytest.mark.parametrize("exclude", [7, object(), b"id", {"headers": 1}, True])
def test_build_refuses_what_is_no_request(exclude: Any) -> None:
    with pytest.raises(PublicationInvalid, match="exclude must be a request"):
        build("user:7", exclude=exclude)


def test_command_names_the_excluded_connection_or_none() -> None:
    assert build("room:7").command(NAMES)[-2] == ""
    assert build("room:7", exclude=ID).command(NAMES)[-2] == ID
    assert build("user:7").command(NAMES) == ("PUBLISH", "rt:user:7", PAYLOAD)
    excluding = build("user:7", exclude=ID).command(NAMES)
    assert excluding == ("PUBLISH", "rt:user:7", b"#::%b#%b" % (ID.encode(), PAYLOAD))


def test_build_names_key_and_window() -> None:
    assert build("user:7", coalesce="order:7").command(NAMES)[2] == b"#:::100:order:7#" + PAYLOAD
    both = build("user:7", coalesce="order:7", within=2.5, exclude=ID).command(NAMES)
    assert both[2] == b"#::%b:2500:order:7#%b" % (ID.encode(), PAYLOAD)


@pytest.mark.parametrize("key", ["", "a#b", "ä", "a\n", "k" * 65, 7, b"k", True])
def test_build_refuses_what_is_no_key(key: Any) -> None:
    with pytest.raises(PublicationInvalid, match="coalesce must be a key of 1 to 64"):
        build("user:7", coalesce=key)


@pytest.mark.parametrize("within", [0, -1, 0.0009, 60.1, float("nan"), float("inf"), True, "1"])
def test_build_refuses_what_is_no_time(within: Any) -> None:
    with pytest.raises(PublicationInvalid, match=r"within must be a number of seconds"):
        build("user:7", coalesce="k", within=within)


def test_build_refuses_a_time_without_a_key() -> None:
    with pytest.raises(PublicationInvalid, match="coalesce, which is missing"):
        build("user:7", within=1)


def test_build_keeps_nothing_that_has_a_key() -> None:
    for channel, how in (("room:7", {}), ("user:7", {"sequenced": True})):
        with pytest.raises(PublicationInvalid, match=r"'\w+:7' are sequenced"):
            build(channel, coalesce="k", **how)
    assert build("room:7", coalesce="k", sequenced=False).policy is None
