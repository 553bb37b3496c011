"""A right that is taken away while it is looked at, and what the audit repairs."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from gateway.connection import Connection, Identity, State
from gateway.errors import Denied
from gateway.hub import Hub
from gateway.registry import Limits, Registry
from gateway.subscriptions import Standing, Subscriptions
from gateway.wire import messages
from gateway.wire.names import Names
from gateway.wire.namespaces import Policy
from gateway.wire.tokens import Grant, GrantSigner
from tests.waiting import turn_loop

from .fakes import new_connection
from .test_hub import FakeSubscriptions

KEY = "k" * 40
NOW = 1_000_000.0


class Marks:
    """What was taken away, and a reading that takes as long as the test wants."""

    def __init__(self) -> None:
        self.at: dict[tuple[str, str], float] = {}
        self.rights = ""
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self, right) -> Standing:
        answer = self._standing(right)
        await self.may_answer.wait()
        return answer

    async def read_many(self, rights) -> list[Standing]:
        answers = [self._standing(right) for right in rights]
        await self.may_answer.wait()
        return answers

    def _standing(self, right) -> Standing:
        return Standing(self.at.get(right, 0), self.rights)


class House:
    """Subscriptions, and what stands around them."""

    def __init__(self) -> None:
        self.hub = Hub(Names(), FakeSubscriptions(), 1000)
        self.registry = Registry(Limits(9, 9, 9, 9))
        self.marks = Marks()
        endpoint = SimpleNamespace(hub=self.hub, registry=self.registry, announce=self._announce)
        policies = SimpleNamespace(of=lambda channel: Policy(public=channel.startswith("open")))
        self.signer = GrantSigner([KEY], lambda: NOW)
        self.subscriptions = Subscriptions(
            endpoint, policies, self.signer, self.marks, 100, max_channels=3, max_name_length=20
        )

    def _announce(self, connection, channel, asked) -> None:
        self.hub.join(connection, channel)
        connection.send(messages.subscribed(channel))

    def visitor(self, uid: str | None = "7") -> Connection:
        connection = new_connection()
        connection.enter(State.CHECKING)
        self.registry.add(connection)
        self.registry.claim(connection, "sid", uid)
        connection.welcome(Identity("sid", uid, (), None), b"{}")
        connection.transport.batches.clear()
        return connection

    def ask(self, connection: Connection, channel: str, rights: str = ""):
        grant = self.signer.issue(Grant("sid", channel, rights))
        return self.subscriptions.subscribe(connection, messages.Subscribe(channel, grant))


def told(connection: Connection) -> list[tuple[str, str]]:
    frames = map(json.loads, connection.transport.frames)
    return [(frame["type"], frame["channel"]) for frame in frames]


async def test_right_taken_away_while_it_is_looked_at_gives_nothing():
    house = House()
    connection = house.visitor()
    house.marks.may_answer.clear()
    asking = asyncio.ensure_future(house.ask(connection, "room:7"))
    await turn_loop()
    house.subscriptions.channel_revoked("7", "room:7")
    house.marks.may_answer.set()
    with pytest.raises(Denied):
        await asking
    assert connection.channels == ()


async def test_channel_left_while_it_is_looked_at_is_not_heard():
    house = House()
    connection = house.visitor()
    house.marks.may_answer.clear()
    asking = asyncio.ensure_future(house.ask(connection, "room:7"))
    await turn_loop()
    house.subscriptions.unsubscribe(connection, messages.Unsubscribe("room:7"))
    house.marks.may_answer.set()
    with pytest.raises(Denied):
        await asking
    assert told(connection) == [("unsubscribed", "room:7")]


async def test_requests_that_wait_count_against_the_limit():
    house = House()
    connection, other = house.visitor(), house.visitor("8")
    house.marks.may_answer.clear()
    asking = [asyncio.ensure_future(house.ask(connection, f"room:{n}")) for n in range(3)]
    await turn_loop()
    with pytest.raises(Denied) as denial:
        await house.ask(connection, "room:9")
    assert denial.value.code == "too_many_channels"
    house.marks.may_answer.set()
    await asyncio.gather(*asking)
    await house.ask(other, "room:9")
    assert len(connection.channels) == 3


async def test_requests_leave_nothing_behind():
    house = House()
    connection = house.visitor()
    house.marks.may_answer.clear()
    asking = [asyncio.ensure_future(house.ask(connection, f"room:{n}")) for n in range(3)]
    await turn_loop()
    house.subscriptions.channel_revoked("7", "room:0")
    house.subscriptions.rights_changed(connection, "other rights")
    house.subscriptions.unsubscribe(connection, messages.Unsubscribe("room:5"))
    house.marks.may_answer.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Denied] * 3
    assert house.subscriptions._pending == {}


@pytest.mark.parametrize(("mark", "is_allowed"), [(NOW - 1, True), (NOW, False), (NOW + 1, False)])
async def test_grant_is_worth_nothing_up_to_the_second_of_the_mark(mark, is_allowed):
    house = House()
    connection = house.visitor()
    house.marks.at["7", "room:7"] = mark
    try:
        await house.ask(connection, "room:7")
    except Denied:
        assert not is_allowed
    else:
        assert is_allowed


async def test_audit_takes_what_was_taken_away_and_nothing_else():
    house = House()
    connection, stranger = house.visitor(), house.visitor(None)
    for channel in ("room:7", "room:8", "open:1"):
        await house.ask(connection, channel)
    await house.ask(stranger, "room:7")
    house.marks.at["7", "room:7"] = house.marks.at["7", "open:1"] = NOW + 1
    await house.subscriptions.audit()
    await house.subscriptions.audit()
    assert connection.channels == ("room:8", "open:1")
    assert stranger.channels == ("room:7",)
    assert told(connection).count(("unsubscribed", "room:7")) == 1


async def test_audits_that_meet_do_not_disturb_one_another():
    house = House()
    connection, gone = house.visitor(), house.visitor("8")
    for one in (connection, gone):
        await house.ask(one, "room:7")
    house.marks.at["7", "room:7"] = NOW + 1
    house.marks.may_answer.clear()
    audits = [asyncio.ensure_future(house.subscriptions.audit())]
    await turn_loop()
    house.hub.leave_all(gone)
    audits.append(asyncio.ensure_future(house.subscriptions.audit()))
    await turn_loop()
    house.marks.may_answer.set()
    await asyncio.gather(*audits)
    assert connection.channels == ()
    assert told(connection).count(("unsubscribed", "room:7")) == 1


async def test_asking_twice_is_answered_twice_and_heard_once():
    house = House()
    connection = house.visitor()
    for _ in range(2):
        await house.ask(connection, "open:1")
    assert told(connection) == [("subscribed", "open:1")] * 2
    assert house.hub.connections_on("open:1") == (connection,)


@pytest.mark.parametrize(
    ("issued_under", "now", "is_allowed"),
    [("r1", "r1", True), ("r1", "r2", False), ("", "r1", False), ("r1", "", False)],
)
async def test_grant_is_worth_something_under_the_rights_that_it_was_issued_under(
    issued_under, now, is_allowed
):
    house = House()
    connection = house.visitor()
    house.marks.rights = now
    try:
        await house.ask(connection, "room:7", issued_under)
    except Denied:
        assert not is_allowed
    else:
        assert is_allowed


async def test_stranger_cannot_show_the_grant_of_a_user():
    house = House()
    with pytest.raises(Denied):
        await house.ask(house.visitor(None), "room:7", "r1")


async def test_other_rights_take_what_was_granted_under_the_former_and_nothing_else():
    house = House()
    connection, other = house.visitor(), house.visitor("8")
    house.marks.rights = "r1"
    for one in (connection, other):
        await house.ask(one, "room:7", "r1")
    await house.ask(connection, "open:1")
    house.marks.rights = "r2"
    await house.ask(connection, "room:8", "r2")
    house.subscriptions.rights_changed(connection, "r2")
    assert connection.channels == ("open:1", "room:8")
    assert other.channels == ("room:7",)
    (taken,) = (f for f in map(json.loads, connection.transport.frames) if "reason" in f)
    assert taken == {"type": "unsubscribed", "channel": "room:7", "reason": "rights_changed"}


async def test_rights_that_change_while_a_grant_is_looked_at_give_nothing():
    house = House()
    connection = house.visitor()
    house.marks.rights = "r1"
    house.marks.may_answer.clear()
    asking = asyncio.ensure_future(house.ask(connection, "room:7", "r1"))
    await turn_loop()
    house.subscriptions.rights_changed(connection, "r2")
    house.marks.may_answer.set()
    with pytest.raises(Denied):
        await asking
    assert connection.channels == ()
