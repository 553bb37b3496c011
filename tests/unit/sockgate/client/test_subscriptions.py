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
from sockgate.client.frames import write_data
from sockgate_gateway.wire.contract import Presence, Publish

from tests.unit.sockgate.client.fakes import Bench, Loop

ROOM = "room:7"


@pytest.fixture
def bench(loop: Loop) -> Bench:
    bench = Bench(loop)
    bench.connect()
    bench.welcome(rights="r1")
    return bench


def subscribe(bench: Bench, **options) -> None:
    bench.subscribe(ROOM, **options)


def subscribed(bench: Bench, **info) -> None:
    subscribe(bench)
    bench.grant("G1")
    bench.answer(type="subscribed", channel=ROOM, **info)


def test_grant_is_fetched_and_shown(bench: Bench) -> None:
    subscribed(bench, epoch="k3", offset=4)
    assert bench.grant_fetches[-1][0] == ROOM
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


def test_newest_publications_of_an_automatic_channel_come_with_the_connect(loop: Loop) -> None:
    bench = Bench(loop)
    bench.subscribe("user:7", recover=3)
    bench.connect()
    bench.open()
    assert bench.sent[0]["recover"] == {"user:7": 3}


@pytest.mark.parametrize("recover", [0, -1, 1.5, "", "none", None, {}])
def test_wrong_recover_raises(bench: Bench, recover) -> None:
    with pytest.raises(ValueError, match="recover is a position"):
        bench.subscribe(ROOM, recover=recover)


def test_reconnect_subscribes_again_from_the_position(bench: Bench) -> None:
    subscribed(bench, epoch="k3", offset=4)
    bench.deliver({"channel": ROOM, "data": 1, "offset": 5})
    bench.reconnect()
    assert "recover" not in bench.sent[0]
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


def test_gap_has_the_time_within_which_to_act(bench: Bench) -> None:
    subscribed(bench, epoch="k3", offset=4)
    bench.deliver({"type": "gap", "channel": ROOM, "audience": 300_000, "within": 120})
    assert bench.events[-1] == Gap(ROOM, within_s=120)
    bench.reconnect()
    bench.answer(type="subscribed", channel=ROOM, epoch="k4", offset=0, recovered=False, within=30)
    assert bench.events[-1] == Gap(ROOM, within_s=30)
    bench.deliver({"type": "gap", "channel": ROOM, "within": "soon"})
    assert bench.events[-1] == Gap(ROOM)


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
    assert not bench.core.channels.is_requested(ROOM)


def test_unsubscribe_is_answered(bench: Bench) -> None:
    subscribed(bench, epoch="k3", offset=4)
    bench.unsubscribe(ROOM)
    bench.answer(type="unsubscribed", channel=ROOM)
    assert bench.events[-1] == Unsubscribed(ROOM)
    assert bench.core.recover() == {}
    before = len(bench.sent)
    bench.unsubscribe(ROOM)
    assert len(bench.sent) == before


def test_answer_to_unsubscribe_does_not_end_a_newer_subscription(bench: Bench) -> None:
    subscribed(bench, epoch="k3", offset=4)
    bench.unsubscribe(ROOM)
    old = bench.sent[-1]["id"]
    subscribe(bench, grant=IssuedGrant("G2"))
    bench.deliver({"type": "unsubscribed", "channel": ROOM, "reply_to": old})
    assert bench.of(Unsubscribed) == []


def test_unsubscribe_ignores_a_grant_under_way(bench: Bench) -> None:
    subscribe(bench)
    bench.unsubscribe(ROOM)
    bench.grant("G1")
    assert "subscribe" not in [frame["type"] for frame in bench.sent]


def test_channel_that_the_gateway_subscribes_is_not_requested(bench: Bench) -> None:
    subscribe(bench)
    bench.deliver({"type": "subscribed", "channel": ROOM})
    bench.grant("G1")
    assert "subscribe" not in [frame["type"] for frame in bench.sent]
    bench.unsubscribe(ROOM)
    assert "unsubscribe" not in [frame["type"] for frame in bench.sent]


def test_publication_is_answered_with_its_offset(bench: Bench) -> None:
    bench.ask(lambda number: Publish(ROOM, "client-said", write_data({"a": 1}), id=number))
    assert bench.sent[-1]["data"] == {"a": 1}
    bench.answer(type="published", channel=ROOM, offset=9)
    assert bench.answers[0].result()["offset"] == 9


def test_rejected_publication_is_an_error(bench: Bench) -> None:
    bench.ask(lambda number: Publish(ROOM, "said", write_data(1), id=number))
    bench.answer(type="error", code="bad_event", message="no client-")
    error = bench.answers[0].exception()
    assert isinstance(error, RequestRejected)
    assert error.code == "bad_event"


def test_lost_connection_fails_requests(bench: Bench) -> None:
    bench.ask(lambda number: Presence(ROOM, id=number))
    bench.lose(1006)
    assert isinstance(bench.answers[0].exception(), NotConnected)
    with pytest.raises(NotConnected):
        bench.ask(lambda number: Presence(ROOM, id=number))


def test_channel_with_a_known_grant_is_requested_before_what_follows(bench: Bench) -> None:
    def subscribe_and_ask() -> None:
        bench.core.channels.add(ROOM, IssuedGrant("G1"), True)
        bench.core.requests.send(lambda number: Presence(ROOM, id=number))

    bench.call(subscribe_and_ask)
    assert [frame["type"] for frame in bench.sent] == ["connect", "subscribe", "presence"]


def test_answer_to_a_request_before_the_unsubscribe_counts_no_more(bench: Bench) -> None:
    subscribe(bench, grant=IssuedGrant("G1"))
    old = bench.sent[-1]["id"]
    bench.unsubscribe(ROOM)
    subscribe(bench, grant=IssuedGrant("G2"))
    bench.deliver({"type": "subscribed", "channel": ROOM, "reply_to": old})
    assert bench.of(Subscribed) == []
    bench.answer(type="subscribed", channel=ROOM)
    assert bench.of(Subscribed) == [Subscribed(ROOM)]


def test_joins_are_events(bench: Bench) -> None:
    bench.deliver({"type": "join", "channel": ROOM, "user": "8"})
    assert bench.events[-1] == Joined(ROOM, "8")
