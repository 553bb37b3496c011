"""A right that is revoked while its grant is verified, and what a reading of the marks repairs."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from sockgate_gateway.connections.connection import Connection, Identity
from sockgate_gateway.connections.journal import Journal
from sockgate_gateway.connections.name_budget import NameBudget
from sockgate_gateway.connections.registry import Limits, Registry
from sockgate_gateway.connections.replay_budget import ReplayBudget
from sockgate_gateway.errors import Rejected
from sockgate_gateway.sessions.access import Access
from sockgate_gateway.sessions.grants import Grants, GrantStatus
from sockgate_gateway.sessions.subscribe import SubscribeRequests
from sockgate_gateway.wire import contract
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.tokens import Grant, GrantSigner

from tests.unit.gateway.channels.test_hub import FakeSubscriptions
from tests.unit.gateway.fakes import Clock, ignore, new_connection, new_hub
from tests.waiting import turn_loop

KEY = "k" * 40
NOW = 1_000_000.0


class Marks:
    """What was taken away, and a reading that takes as long as the test wants."""

    def __init__(self) -> None:
        self.at: dict[tuple[str, str], float] = {}
        self.rights = ""
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self, right) -> GrantStatus:
        answer = self._status(right)
        await self.may_answer.wait()
        return answer

    async def read_many(self, rights) -> list[GrantStatus]:
        answers = [self._status(right) for right in rights]
        await self.may_answer.wait()
        return answers

    def _status(self, right) -> GrantStatus:
        return GrantStatus(self.at.get(right, 0), self.rights)


class GrantsSetup:
    """Grants and requests for channels, with marks and a lifecycle of the test."""

    def __init__(self) -> None:
        self.hub = new_hub(Names(), FakeSubscriptions(), 1000)
        limits = Limits(total=9, unauthenticated=9, per_user=9, per_address=9)
        self.registry = Registry(limits, on_user_changed=ignore)
        self.marks = Marks()
        policies = SimpleNamespace(of=lambda channel: Policy(public=channel.startswith("open")))
        self.signer = GrantSigner([KEY], lambda: NOW)
        self.grants = Grants(self.marks)
        self.subscribe_requests = SubscribeRequests(
            self.hub,
            ReplayBudget(Clock().wheel, 1000),
            NameBudget(Clock().wheel, lambda: 1),
            policies,
            self.signer,
            self.grants,
            grant_max_age_s=100,
            max_channels=3,
            max_name_length=20,
        )
        self.access = Access(
            lifecycle=SimpleNamespace(),
            registry=self.registry,
            hub=self.hub,
            journal=Journal(),
            grants=self.grants,
            subscribe_requests=self.subscribe_requests,
            wheel=Clock().wheel,
        )

    def connect(self, uid: str | None = "7") -> Connection:
        connection = new_connection()
        connection.start_check()
        self.registry.add(connection)
        self.registry.file(connection, "sid", uid)
        connection.welcome(Identity("sid", uid, (), None), b"{}")
        connection.resume()
        connection.transport.batches.clear()
        return connection

    def ask(self, connection: Connection, channel: str, rights: str = ""):
        grant = self.signer.issue(Grant("sid", channel, rights))
        return self.subscribe_requests.subscribe(connection, contract.Subscribe(channel, grant))


async def revoke_marked(setup: GrantsSetup) -> None:
    """Read all marks, as a revalidation does."""
    for connection, channel in await setup.grants.revoked(list(setup.registry.connections)):
        setup.access.revoke(connection, channel)


def sent(connection: Connection) -> list[tuple[str, str]]:
    frames = map(json.loads, connection.transport.frames)
    return [(frame["type"], frame["channel"]) for frame in frames]


async def test_right_revoked_during_the_check_is_rejected():
    setup = GrantsSetup()
    connection = setup.connect()
    setup.marks.may_answer.clear()
    asking = asyncio.ensure_future(setup.ask(connection, "room:7"))
    await turn_loop()
    setup.subscribe_requests.reject_pending(connection, "room:7")
    setup.marks.may_answer.set()
    with pytest.raises(Rejected):
        await asking
    assert connection.channels == ()


async def test_channel_unsubscribed_during_the_check_is_not_received():
    setup = GrantsSetup()
    connection = setup.connect()
    setup.marks.may_answer.clear()
    asking = asyncio.ensure_future(setup.ask(connection, "room:7"))
    await turn_loop()
    setup.subscribe_requests.unsubscribe(connection, contract.Unsubscribe("room:7"))
    setup.marks.may_answer.set()
    with pytest.raises(Rejected):
        await asking
    assert sent(connection) == [("unsubscribed", "room:7")]


async def test_pending_requests_count_against_the_limit():
    setup = GrantsSetup()
    connection, other = setup.connect(), setup.connect("8")
    setup.marks.may_answer.clear()
    asking = [asyncio.ensure_future(setup.ask(connection, f"room:{n}")) for n in range(3)]
    await turn_loop()
    with pytest.raises(Rejected) as denial:
        await setup.ask(connection, "room:9")
    assert denial.value.code == "too_many_channels"
    setup.marks.may_answer.set()
    await asyncio.gather(*asking)
    await setup.ask(other, "room:9")
    assert len(connection.channels) == 3


async def test_completed_requests_leave_no_state():
    setup = GrantsSetup()
    connection = setup.connect()
    setup.marks.may_answer.clear()
    asking = [asyncio.ensure_future(setup.ask(connection, f"room:{n}")) for n in range(3)]
    await turn_loop()
    setup.subscribe_requests.reject_pending(connection, "room:0")
    setup.access._apply_rights(connection, "other rights")
    setup.subscribe_requests.unsubscribe(connection, contract.Unsubscribe("room:5"))
    setup.marks.may_answer.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Rejected] * 3
    assert setup.subscribe_requests._pending == {}


@pytest.mark.parametrize(("mark", "is_allowed"), [(NOW - 1, True), (NOW, False), (NOW + 1, False)])
async def test_grant_is_void_up_to_the_second_of_the_revocation(mark, is_allowed):
    setup = GrantsSetup()
    connection = setup.connect()
    setup.marks.at["7", "room:7"] = mark
    try:
        await setup.ask(connection, "room:7")
    except Rejected as rejection:
        assert not is_allowed and rejection.is_revoked
    else:
        assert is_allowed


async def test_audit_ends_only_revoked_subscriptions():
    setup = GrantsSetup()
    connection, visitor = setup.connect(), setup.connect(None)
    for channel in ("room:7", "room:8", "open:1"):
        await setup.ask(connection, channel)
    await setup.ask(visitor, "room:7")
    setup.marks.at["7", "room:7"] = setup.marks.at["7", "open:1"] = NOW + 1
    await revoke_marked(setup)
    await revoke_marked(setup)
    assert connection.channels == ("room:8", "open:1")
    assert visitor.channels == ("room:7",)
    assert sent(connection).count(("unsubscribed", "room:7")) == 1


async def test_concurrent_audits_are_independent():
    setup = GrantsSetup()
    connection, gone = setup.connect(), setup.connect("8")
    for one in (connection, gone):
        await setup.ask(one, "room:7")
    setup.marks.at["7", "room:7"] = NOW + 1
    setup.marks.may_answer.clear()
    audits = [asyncio.ensure_future(revoke_marked(setup))]
    await turn_loop()
    setup.hub.unsubscribe_all(gone)
    audits.append(asyncio.ensure_future(revoke_marked(setup)))
    await turn_loop()
    setup.marks.may_answer.set()
    await asyncio.gather(*audits)
    assert connection.channels == ()
    assert sent(connection).count(("unsubscribed", "room:7")) == 1


async def test_second_subscribe_is_answered_and_delivers_once():
    setup = GrantsSetup()
    connection = setup.connect()
    for _ in range(2):
        await setup.ask(connection, "open:1")
    assert sent(connection) == [("subscribed", "open:1")] * 2
    assert setup.hub.connections_on("open:1") == (connection,)


@pytest.mark.parametrize(
    ("issued_under", "now", "is_allowed"),
    [("r1", "r1", True), ("r1", "r2", False), ("", "r1", False), ("r1", "", False)],
)
async def test_grant_is_valid_only_under_the_rights_of_its_issue(issued_under, now, is_allowed):
    setup = GrantsSetup()
    connection = setup.connect()
    setup.marks.rights = now
    try:
        await setup.ask(connection, "room:7", issued_under)
    except Rejected:
        assert not is_allowed
    else:
        assert is_allowed


async def test_visitor_cannot_use_the_grant_of_a_user():
    setup = GrantsSetup()
    with pytest.raises(Rejected):
        await setup.ask(setup.connect(None), "room:7", "r1")


async def test_changed_rights_end_only_subscriptions_of_former_grants():
    setup = GrantsSetup()
    connection, other = setup.connect(), setup.connect("8")
    setup.marks.rights = "r1"
    for one in (connection, other):
        await setup.ask(one, "room:7", "r1")
    await setup.ask(connection, "open:1")
    setup.marks.rights = "r2"
    await setup.ask(connection, "room:8", "r2")
    setup.access._apply_rights(connection, "r2")
    assert connection.channels == ("open:1", "room:8")
    assert other.channels == ("room:7",)
    (taken,) = (f for f in map(json.loads, connection.transport.frames) if "reason" in f)
    crowd = {"audience": 1, "within": 0}
    ended = {"type": "unsubscribed", "channel": "room:7", "reason": "rights_changed"}
    assert taken == ended | crowd


async def test_rights_that_change_during_the_check_of_a_grant_reject_it():
    setup = GrantsSetup()
    connection = setup.connect()
    setup.marks.rights = "r1"
    setup.marks.may_answer.clear()
    asking = asyncio.ensure_future(setup.ask(connection, "room:7", "r1"))
    await turn_loop()
    setup.access._apply_rights(connection, "r2")
    setup.marks.may_answer.set()
    with pytest.raises(Rejected):
        await asking
    assert connection.channels == ()
