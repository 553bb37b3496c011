import pytest
from sockgate.client import (
    Gap,
    IssuedGrant,
    Joined,
    NotConnected,
    RequestRejected,
    Subscribed,
    Unsubscribed,
)

from tests.unit.sockgate.client.fakes import Bench

ROOM = "room:7"


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.connect()
    bench.welcome(rights="r1")
    return bench


def subscribe(bench: Bench, **options) -> None:
    bench.protocol.subscribe(ROOM, **options)
    bench.run()


def subscribed(bench: Bench, **info) -> None:
    subscribe(bench)
    bench.grant("G1")
    bench.answer(type="subscribed", channel=ROOM, **info)


def test_grant_is_fetched_and_shown(bench: Bench) -> None:
    subscribed(bench, epoch="k3", offset=4)
    assert bench.grant_fetches[-1].channel == ROOM
    assert bench.sent[-1] == {"type": "subscribe", "channel": ROOM, "grant": "G1", "id": 1}
    assert bench.of(Subscribed) == [Subscribed(ROOM)]


def test_grant_of_the_caller_is_not_fetched(bench: Bench) -> None:
    subscribe(bench, grant=IssuedGrant("G9"))
    assert bench.grant_fetches == []
    assert bench.sent[-1]["grant"] == "G9"


def test_position_of_the_caller_is_sent(bench: Bench) -> None:
    subscribe(bench, grant=IssuedGrant(None), recover=("k3", 4))
    assert bench.sent[-1] == {"type": "subscribe", "channel": ROOM, "recover": ["k3", 4], "id": 1}


@pytest.mark.parametrize("recover", [20, "all"])
def test_newest_publications_are_requested_once(bench: Bench, recover) -> None:
    subscribe(bench, grant=IssuedGrant(None), recover=recover)
    assert bench.sent[-1]["recover"] == recover
    bench.answer(type="subscribed", channel=ROOM, epoch="k3", offset=4, recovered=True)
    bench.deliver({"channel": ROOM, "data": 1, "offset": 5})
    assert bench.of(Gap) == []
    bench.reconnect()
    assert bench.sent[-1]["recover"] == ["k3", 5]


def test_newest_publications_of_an_automatic_channel_come_with_the_connect() -> None:
    bench = Bench()
    bench.protocol.subscribe("user:7", recover=3)
    bench.connect()
    bench.open()
    assert bench.sent[0]["recover"] == {"user:7": 3}


@pytest.mark.parametrize("recover", [0, -1, 1.5, "", "none", None, {}])
def test_wrong_recover_raises(bench: Bench, recover) -> None:
    with pytest.raises(ValueError, match="recover is a position"):
        bench.protocol.subscribe(ROOM, recover=recover)


def test_reconnect_subscribes_again_from_the_position(bench: Bench) -> None:
    subscribed(bench, epoch="k3", offset=4)
    bench.deliver({"channel": ROOM, "data": 1, "offset": 5})
    bench.reconnect()
    assert bench.sent[0]["recover"] == {}
    assert bench.sent[-1]["recover"] == ["k3", 5]
    bench.answer(type="subscribed", channel=ROOM, epoch="k3", offset=5, recovered=True)
    assert bench.events[-1] == Subscribed(ROOM, is_recovered=True)


def test_subscription_without_recovery_starts_anew(bench: Bench) -> None:
    subscribe(bench, grant=IssuedGrant("G1"), recover=False)
    bench.answer(type="subscribed", channel=ROOM, epoch="k3", offset=4)
    bench.reconnect()
    assert "recover" not in bench.sent[-1]


def test_lost_history_is_a_gap(bench: Bench) -> None:
    subscribed(bench, epoch="k3", offset=4)
    bench.reconnect()
    bench.answer(type="subscribed", channel=ROOM, epoch="k4", offset=0, recovered=False)
    assert bench.events[-2:] == [Subscribed(ROOM, is_recovered=False), Gap(ROOM)]


def test_refused_grant_is_final(bench: Bench) -> None:
    subscribe(bench)
    bench.refuse_grant(403, is_final=True)
    assert bench.events[-1] == Unsubscribed(ROOM, "not_allowed", "no")
    bench.reconnect(rights="r1")
    assert len(bench.sent) == 1


def test_unavailable_grant_is_fetched_again(bench: Bench) -> None:
    subscribe(bench)
    bench.refuse_grant(503, is_final=False)
    bench.advance(4.5)
    assert len(bench.grant_fetches) == 2


def test_rejected_grant_is_replaced_once(bench: Bench) -> None:
    subscribe(bench)
    bench.grant("G1")
    bench.answer(type="error", code="not_allowed", message="old")
    bench.grant("G2")
    assert bench.sent[-1]["grant"] == "G2"
    bench.answer(type="error", code="not_allowed", message="really")
    assert bench.events[-1] == Unsubscribed(ROOM, "not_allowed", "really")


def test_unavailable_gateway_is_asked_again(bench: Bench) -> None:
    subscribe(bench)
    bench.grant("G1")
    bench.answer(type="error", code="unavailable", message="")
    bench.advance(4.5)
    assert [frame["type"] for frame in bench.sent] == ["connect", "subscribe", "subscribe"]


def test_other_rejection_is_final(bench: Bench) -> None:
    subscribe(bench)
    bench.grant("G1")
    bench.answer(type="error", code="too_many_channels", message="64")
    assert bench.events[-1] == Unsubscribed(ROOM, "too_many_channels", "64")


def test_rejected_channel_is_requested_again_when_the_rights_change(bench: Bench) -> None:
    subscribe(bench)
    bench.refuse_grant(403, is_final=True)
    bench.deliver({"type": "refreshed", "user": "7", "expires": None, "rights": "r2"})
    assert len(bench.grant_fetches) == 2


def test_channel_with_changed_rights_is_renewed_from_its_position(bench: Bench) -> None:
    subscribed(bench, epoch="k3", offset=4)
    bench.deliver({"type": "unsubscribed", "channel": ROOM, "reason": "rights_changed"})
    bench.grant("G2")
    assert (bench.sent[-1]["grant"], bench.sent[-1]["recover"]) == ("G2", ["k3", 4])


def test_revoked_channel_is_unsubscribed(bench: Bench) -> None:
    subscribed(bench)
    bench.deliver({"type": "unsubscribed", "channel": ROOM})
    assert bench.events[-1] == Unsubscribed(ROOM)
    assert not bench.protocol._subscriptions.is_requested(ROOM)


def test_unsubscribe_is_answered(bench: Bench) -> None:
    subscribed(bench, epoch="k3", offset=4)
    assert bench.protocol.unsubscribe(ROOM)
    bench.run()
    bench.answer(type="unsubscribed", channel=ROOM)
    assert bench.events[-1] == Unsubscribed(ROOM)
    assert bench.protocol._parts.positions.of(ROOM) is None
    assert not bench.protocol.unsubscribe(ROOM)


def test_unsubscribe_ignores_a_grant_under_way(bench: Bench) -> None:
    subscribe(bench)
    bench.protocol.unsubscribe(ROOM)
    bench.grant("G1")
    assert "subscribe" not in [frame["type"] for frame in bench.sent]


def test_channel_that_the_gateway_subscribes_is_not_requested(bench: Bench) -> None:
    subscribe(bench)
    bench.deliver({"type": "subscribed", "channel": ROOM})
    bench.grant("G1")
    assert "subscribe" not in [frame["type"] for frame in bench.sent]
    bench.protocol.unsubscribe(ROOM)
    bench.run()
    assert "unsubscribe" not in [frame["type"] for frame in bench.sent]


def test_publication_is_answered_with_its_offset(bench: Bench) -> None:
    number = bench.protocol.publish(ROOM, "client-said", {"a": 1})
    bench.run()
    bench.answer(type="published", channel=ROOM, offset=9)
    (answer,) = bench.answers
    assert (answer.request, answer.frame["offset"]) == (number, 9)


def test_rejected_publication_is_an_error(bench: Bench) -> None:
    bench.protocol.publish(ROOM, "said", 1)
    bench.run()
    bench.answer(type="error", code="bad_event", message="no client-")
    assert isinstance(bench.answers[0].error, RequestRejected)
    assert bench.answers[0].error.code == "bad_event"


def test_lost_connection_fails_requests(bench: Bench) -> None:
    bench.protocol.presence(ROOM)
    bench.run()
    bench.lose(1006)
    assert isinstance(bench.answers[0].error, NotConnected)
    with pytest.raises(NotConnected):
        bench.protocol.presence(ROOM)


def test_data_without_a_json_form_leaves_no_request(bench: Bench) -> None:
    with pytest.raises(TypeError):
        bench.protocol.publish(ROOM, "client-said", object())
    assert bench.protocol._parts.requests._pending == {}


def test_joins_are_events(bench: Bench) -> None:
    bench.deliver({"type": "join", "channel": ROOM, "user": "8"})
    assert bench.events[-1] == Joined(ROOM, "8")
