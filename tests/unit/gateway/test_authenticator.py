"""From a token to an identity: what Redis holds now decides."""

import pytest

from gateway.authenticator import Authenticator
from gateway.broker.memory import MemoryBroker
from gateway.connection import Identity
from gateway.errors import BrokerUnavailable, Refused
from gateway.wire.closecodes import CloseCode
from gateway.wire.records import SessionRecord, UserRecord
from gateway.wire.tokens import Token, TokenSigner

KEYS = ["an old signing key of these tests", "a new signing key of these tests"]
ALICE = SessionRecord("7", "digest")


@pytest.fixture
def broker(clock):
    broker = MemoryBroker(clock=clock.read)
    broker.write_session("sid", ALICE, 100)
    broker.write_user("7", UserRecord("digest", ("group:editors",)))
    broker.write_session("visitor", SessionRecord("", ""))
    return broker


@pytest.fixture
def authenticator(broker, clock):
    return Authenticator(TokenSigner(KEYS, clock.read), broker, 3600, clock.read)


def issued(clock, *keys: str) -> str:
    return TokenSigner(keys, clock.read).issue(Token("sid", "7"))


@pytest.mark.parametrize("key", KEYS)
def test_token_of_any_key_is_read(authenticator, clock, key):
    assert authenticator.read_token(issued(clock, key)) == Token("sid", "7")


def test_forged_token_is_refused(authenticator, clock):
    for text in (issued(clock, "k" * 40), "", "garbage", issued(clock, KEYS[1])[:-1] + "!"):
        with pytest.raises(Refused) as refused:
            authenticator.read_token(text)
        assert refused.value.code is CloseCode.TOKEN_INVALID


def test_token_is_refused_when_it_is_too_old(authenticator, clock):
    token = issued(clock, KEYS[1])
    clock.advance(3600)
    authenticator.read_token(token)
    clock.advance(1)
    with pytest.raises(Refused) as refused:
        authenticator.read_token(token)
    assert refused.value.code is CloseCode.TOKEN_EXPIRED


async def test_valid_session_is_an_identity(authenticator, clock):
    identity = await authenticator.identify("sid", "7")
    assert (identity.sid, identity.uid) == ("sid", "7")
    assert identity.channels == ("user:7", "broadcast", "group:editors")
    assert identity.expires_at == clock.now + 100


async def test_visitor_is_an_identity_without_a_user(authenticator):
    identity = await authenticator.identify("visitor", None)
    assert (identity.uid, identity.channels, identity.expires_at) == (None, ("broadcast",), None)


@pytest.mark.parametrize(
    ("sid", "uid"), [("unknown", "7"), ("sid", "8"), ("sid", None), ("visitor", "7")]
)
async def test_session_of_somebody_else_is_none(authenticator, sid, uid):
    assert await authenticator.identify(sid, uid) is None


async def test_session_under_another_password_is_none(authenticator, broker):
    broker.write_user("7", UserRecord("digest-of-another-password"))
    assert await authenticator.identify("sid", "7") is None


async def test_session_under_an_older_secret_stands(authenticator, broker):
    broker.write_user("7", UserRecord("digest-under-the-new-secret digest"))
    assert await authenticator.identify("sid", "7") is not None


async def test_session_of_a_user_who_is_gone_is_none(authenticator, broker):
    broker.delete_user("7")
    assert await authenticator.identify("sid", "7") is None


async def test_session_that_cannot_be_read_is_not_judged(authenticator, broker):
    broker.cut()
    with pytest.raises(BrokerUnavailable):
        await authenticator.identify("sid", "7")
    with pytest.raises(BrokerUnavailable):
        await authenticator.identify_again([("sid", "7")])


async def test_sessions_are_identified_again_in_their_order(authenticator):
    verdicts = await authenticator.identify_again(
        [("visitor", None), ("unknown", "7"), ("sid", "7")]
    )
    assert [isinstance(verdict, Identity) for verdict in verdicts] == [True, False, True]
    assert verdicts[2].uid == "7"


async def test_session_that_moved_unheard_is_followed(authenticator, broker):
    broker.move_session("sid", "second")
    broker.move_session("second", "third")
    (verdict,) = await authenticator.identify_again([("sid", "7")])
    assert (verdict.sid, verdict.uid) == ("third", "7")


async def test_session_that_moved_and_ended_is_not_known(authenticator, broker):
    broker.move_session("sid", "second")
    broker.delete_session("second")
    (verdict,) = await authenticator.identify_again([("sid", "7")])
    assert verdict is None


async def test_what_a_move_has_left_opens_nothing(authenticator, broker):
    broker.move_session("sid", "second")
    assert await authenticator.identify("sid", "7") is None


@pytest.mark.parametrize("other", [SessionRecord("8", "digest"), SessionRecord("", "")])
@pytest.mark.parametrize("has_moved", [True, False])
async def test_users_session_leads_to_nobody_else(authenticator, broker, other, has_moved):
    broker.write_user("8", UserRecord("digest"))
    if has_moved:
        broker.move_session("sid", "second")
    broker.write_session("second" if has_moved else "sid", other)
    (verdict,) = await authenticator.identify_again([("sid", "7")])
    assert verdict is None


@pytest.mark.parametrize(("becomes", "uid"), [("", None), ("7", "7")])
async def test_visitors_session_that_moved_unheard_is_followed(authenticator, broker, becomes, uid):
    broker.move_session("visitor", "second")
    broker.write_session("second", SessionRecord(becomes, "digest" if becomes else ""))
    (verdict,) = await authenticator.identify_again([("visitor", None)])
    assert (verdict.sid, verdict.uid) == ("second", uid)


async def test_moves_in_a_circle_end_nowhere(authenticator, broker):
    broker.move_session("sid", "second")
    broker.move_session("second", "sid")
    broker.delete_session("sid")
    (verdict,) = await authenticator.identify_again([("sid", "7")])
    assert verdict is None


async def test_visitors_session_is_followed_to_its_user(authenticator, broker):
    broker.write_session("visitor", SessionRecord("8", "digest"))
    broker.write_user("8", UserRecord("digest"))
    (verdict,) = await authenticator.identify_again([("visitor", None)])
    assert verdict.uid == "8"
    assert "user:8" in verdict.channels
