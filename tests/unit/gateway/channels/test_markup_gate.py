"""Markup reaches pages only when it is signed, on every way through the hub."""

import json
import logging

import pytest
from sockgate_gateway.channels.history import HistoryReply, history_reply
from sockgate_gateway.channels.history_queue import HistoryQueue
from sockgate_gateway.channels.hub import Hub
from sockgate_gateway.wire.markup import PLAIN_MAX_AGE_S, MarkupSigner
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy

from tests.unit.gateway.channels.single_channel import RecordedJoin
from tests.unit.gateway.channels.test_hub import FakeSubscriptions, subscriber
from tests.unit.gateway.fakes import new_hub
from tests.waiting import until

HTML = b'{"event":"sockgate:html","data":{"target":"bell","swap":"append","html":"<b>1</b>"}}'
TURBO = b'{"event":"turbo-stream","data":"<turbo-stream></turbo-stream>"}'
AGE_S = 3600
KEPT = Policy(age=AGE_S)
LATEST = Policy(age=AGE_S, state="latest")
PLAIN = Policy(recover=False)
NOW_S = 1_700_000_000


class Site:
    """A hub at a time, and the Django that signs for it."""

    def __init__(self, policy: Policy = PLAIN, names: Names | None = None) -> None:
        self.now_s = float(NOW_S)
        self.names = names or Names()
        self.signer = MarkupSigner(["a-key"], lambda: self.now_s)
        self.queue = HistoryQueue() if policy.recover else None
        options = {"queue": self.queue, "signer": self.signer}
        self.hub: Hub = new_hub(
            self.names, FakeSubscriptions(), 10_000, lambda _: policy, **options
        )

    def sign(self, payload: bytes, channel: str = "a") -> bytes:
        return self.signer.sign(self.names.channel(channel), payload)

    def publish(self, *raw: bytes, channel: str = "a") -> None:
        self.hub.fan_out([(self.names.channel(channel).encode(), one) for one in raw])

    def go_live(self, reply: HistoryReply) -> None:
        for channel in self.queue.take(len(self.queue)):
            channel.history_request()
            self.hub.apply_history(channel, reply)

    @property
    def refused(self) -> dict[str, int]:
        return {cause: count for cause, count in self.hub.markup.refused.items() if count}


def data_of(connection) -> list:
    frames = map(json.loads, connection.transport.frames)
    return [frame["data"] for frame in frames if "type" not in frame]


@pytest.mark.parametrize("payload", [HTML, TURBO])
def test_signed_markup_is_delivered_without_its_signature(payload):
    site = Site()
    one = subscriber(site.hub, "a")
    site.publish(site.sign(payload))
    assert one.transport.frames == [b'{"channel":"a","data":%b}' % payload]
    assert site.refused == {}


@pytest.mark.parametrize("head", [b"", b"#::other#", b"#:::50:k#", b"#::other:50:k#", b"#e:1#"])
def test_unsigned_markup_is_dropped_in_every_form(head):
    site = Site()
    one = subscriber(site.hub, "a")
    spaced, escaped = HTML.replace(b'":', b'"\t: '), HTML.replace(b"sock", b"\\u0073ock")
    site.publish(*[head + form for form in (HTML, b" " + HTML + b"\n", spaced, escaped, TURBO)])
    assert one.transport.frames == []
    assert site.refused == {"unsigned": 5}


def test_unsigned_markup_does_not_stop_what_stands_beside_it():
    site = Site()
    one = subscriber(site.hub, "a")
    site.publish(b"1", HTML, b"2")
    assert data_of(one) == [1, 2]


@pytest.mark.parametrize(
    ("cause", "channel", "later_s"),
    [
        ("forged", "b", 0),
        ("expired", "a", PLAIN_MAX_AGE_S + 1),
        ("future", "a", -31),
    ],
)
def test_captured_markup_is_void_elsewhere_and_later(cause, channel, later_s):
    site = Site()
    one = subscriber(site.hub, "a", "b")
    captured = site.sign(HTML)
    site.now_s += later_s
    site.publish(captured, channel=channel)
    assert (one.transport.frames, site.refused) == ([], {cause: 1})


def test_captured_markup_is_void_in_another_tenant_or_database():
    site = Site()
    captured = site.sign(HTML)
    tenant = "acme\x1fa"
    one = subscriber(site.hub, tenant)
    site.publish(captured, channel=tenant)
    site.publish(site.sign(HTML, tenant), channel=tenant)
    assert len(data_of(one)) == 1
    other = Site(names=Names(channel_prefix="rt@3:", database=3))
    two = subscriber(other.hub, "a")
    other.publish(captured)
    assert (two.transport.frames, other.refused) == ([], {"forged": 1})


async def test_coalesced_markup_is_verified_and_the_last_one_follows():
    site = Site()
    one = subscriber(site.hub, "a")
    signed = [site.sign(HTML.replace(b"1", b"%d" % number)) for number in range(3)]
    site.publish(*[b"#:::20:k#" + text for text in signed], b"#:::20:k#" + HTML)
    await until(lambda: len(data_of(one)) == 2)
    assert [data["data"]["html"] for data in data_of(one)] == ["<b>0</b>", "<b>2</b>"]
    assert site.refused == {"unsigned": 1}


def test_excluding_markup_is_delivered_to_the_others():
    site = Site()
    maker, other = subscriber(site.hub, "a"), subscriber(site.hub, "a")
    maker.id = "maker"
    site.publish(b"#::maker#" + site.sign(HTML))
    assert (len(data_of(maker)), len(data_of(other))) == (0, 1)


def kept(*payloads: bytes) -> HistoryReply:
    entries = [(offset, payload) for offset, payload in enumerate(payloads, 1)]
    return history_reply("e", len(payloads), reversed(entries))


def test_history_has_only_what_was_signed_within_its_age():
    site = Site(KEPT)
    old, good, stolen = site.sign(HTML), b"", site.sign(HTML, "b")
    site.now_s += AGE_S + 1
    good = site.sign(HTML.replace(b"1", b"2"))
    site.now_s += AGE_S  # In the history, it is good for as long as that.
    late = subscriber(site.hub)
    site.hub.subscribe(late, "a", RecordedJoin(since=("e", 0)))
    site.go_live(kept(old, HTML, good, stolen, b'"plain"'))
    assert [one if isinstance(one, str) else one["data"]["html"] for one in data_of(late)] == [
        "<b>2</b>",
        "plain",
    ]
    assert site.refused == {"expired": 1, "unsigned": 1, "forged": 1}


def test_newest_publication_for_newcomers_is_verified():
    for newest, expected in ((HTML, 0), (None, 1)):
        site = Site(LATEST)
        late = subscriber(site.hub)
        site.hub.subscribe(late, "a", RecordedJoin())
        site.go_live(kept(site.sign(HTML) if newest is None else newest))
        assert len(data_of(late)) == expected


def test_sequenced_markup_leaves_a_hole_that_the_history_fills():
    site = Site(KEPT)
    one = subscriber(site.hub, "a")
    site.go_live(kept())
    site.publish(b"#e:1#" + HTML, b"#e:2#2")
    assert data_of(one) == []
    site.go_live(kept(HTML, b"2"))
    assert data_of(one) == [2]


def test_refusals_are_logged_with_the_setting_and_not_without_end(caplog):
    site = Site()
    subscriber(site.hub, "a")
    with caplog.at_level(logging.WARNING, "sockgate.hub"):
        site.publish(*[HTML] * 50)
        site.publish(MarkupSigner(["other"], lambda: site.now_s).sign("rt:a", HTML))
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(" hint")[0] for line in lines] == [
        "event=markup_refused channel=a cause=unsigned",
        "event=markup_refused channel=a cause=forged",
    ]
    assert "publish_html" in lines[0]
    assert "SOCKGATE_SIGNING_KEYS" in lines[1]
    assert "<b>" not in "".join(lines)
