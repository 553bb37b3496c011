"""From a token to an identity: what Redis holds now decides."""

import pytest
from sockgate_gateway.connections.connection import Identity
from sockgate_gateway.errors import BrokerUnavailable, Disconnect
from sockgate_gateway.sessions.authenticator import (
    REPLACED_KEY_WAIT_S,
    WRONG_CLOCK_WAIT_S,
    Authenticator,
)
from sockgate_gateway.wire.closecodes import CloseCode, read_come_back_s
from sockgate_gateway.wire.key_ids import key_id, key_ids
from sockgate_gateway.wire.records import SessionRecord, UserRecord
from sockgate_gateway.wire.tokens import Token, TokenSigner

from tests.unit.gateway.memory_broker import MemoryBroker

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
    return Authenticator(
        TokenSigner(KEYS, clock.read), broker, 3600, (), broker.clock_offset_s, clock.read
    )


def issued(clock, *keys: str) -> str:
    return TokenSigner(keys, clock.read).issue(Token("sid", "7"))


@pytest.mark.parametrize("key", KEYS)
def test_token_of_any_key_is_read(authenticator, clock, key):
    assert authenticator.read_token(issued(clock, key)) == Token("sid", "7")


def test_forged_token_is_refused(authenticator, clock):
    for text in (issued(clock, "k" * 40), "", "garbage", issued(clock, KEYS[1])[:-1] + "!"):
        with pytest.raises(Disconnect) as refused:
            authenticator.read_token(text)
        assert refused.value.code is CloseCode.TOKEN_INVALID


def test_token_of_a_replaced_key_is_refused_with_a_time_to_come_back(broker, clock):
    """Django may sign with it while its hosts are restarted; no page may end for good."""
    replaced, other = "r" * 40, "k" * 40
    signer = TokenSigner(KEYS, clock.read)
    authenticator = Authenticator(
        signer, broker, 3600, [key_id(replaced)], broker.clock_offset_s, clock.read
    )
    first, last = REPLACED_KEY_WAIT_S
    for key, waits in ((replaced, range(first, last + 1)), (other, (None,))):
        with pytest.raises(Disconnect) as refused:
            authenticator.read_token(issued(clock, key))
        assert refused.value.code is CloseCode.TOKEN_INVALID
        assert refused.value.reason.startswith("token refused")
        assert read_come_back_s(refused.value.reason) in waits


@pytest.mark.parametrize(("offset_s", "waits"), [(0, False), (None, False), (3600, True)])
def test_token_that_only_our_clock_refuses_is_refused_with_a_time_to_come_back(
    broker, clock, offset_s, waits
):
    """Another host may serve the page, or our clock is right by then; it must not end for good."""
    signer = TokenSigner(KEYS, clock.read)
    authenticator = Authenticator(signer, broker, 3600, (), lambda: offset_s, clock.read)
    token = TokenSigner(KEYS, lambda: clock.read() + 3600).issue(Token("sid", "7"))
    with pytest.raises(Disconnect) as refused:
        authenticator.read_token(token)
    assert refused.value.code is CloseCode.TOKEN_EXPIRED
    first, last = WRONG_CLOCK_WAIT_S
    come_back_s = read_come_back_s(refused.value.reason)
    assert come_back_s in (range(first, last + 1) if waits else (None,))
    assert authenticator.is_misled_by_clock is waits
    authenticator.read_token(issued(clock, KEYS[0]))
    assert not authenticator.is_misled_by_clock


def test_token_of_an_unknown_key_is_logged_with_both_key_ids(authenticator, clock, caplog):
    other = "k" * 40
    for _ in range(3):
        with pytest.raises(Disconnect):
            authenticator.read_token(issued(clock, other))
    (line,) = [record.getMessage() for record in caplog.records]
    ours = ",".join(key_ids(KEYS))
    assert f"event=token_of_unknown_key key={key_id(other)} known={ours} hint=" in line
    assert "SOCKGATE_SIGNING_KEYS" in line
    assert other not in line


def test_junk_in_place_of_tokens_does_not_fill_the_log(authenticator, caplog):
    for number in range(100):
        with pytest.raises(Disconnect):
            authenticator.read_token(f"junk{number}.a.b")
    (line,) = [record.getMessage() for record in caplog.records]
    assert "the token names no key" in line


def test_token_is_refused_when_it_is_too_old(authenticator, clock):
    token = issued(clock, KEYS[1])
    clock.advance(3600)
    authenticator.read_token(token)
    clock.advance(1)
    with pytest.raises(Disconnect) as refused:
        authenticator.read_token(token)
    assert refused.value.code is CloseCode.TOKEN_EXPIRED


async def test_valid_session_is_an_identity(authenticator, clock):
    identity = await authenticator.read_identity("sid", "7")
    assert (identity.sid, identity.uid) == ("sid", "7")
    assert identity.channels == ("user:7", "broadcast", "group:editors")
    assert identity.expires_at == clock.now + 100


async def test_visitor_is_an_identity_without_a_user(authenticator):
    identity = await authenticator.read_identity("visitor", None)
    assert (identity.uid, identity.channels, identity.expires_at) == (None, ("broadcast",), None)


@pytest.mark.parametrize(
    ("sid", "uid"), [("unknown", "7"), ("sid", "8"), ("sid", None), ("visitor", "7")]
)
async def test_session_of_another_user_is_none(authenticator, sid, uid):
    assert await authenticator.read_identity(sid, uid) is None


async def test_session_under_another_password_is_none(authenticator, broker):
    broker.write_user("7", UserRecord("digest-of-another-password"))
    assert await authenticator.read_identity("sid", "7") is None


async def test_session_under_an_older_secret_is_valid(authenticator, broker):
    broker.write_user("7", UserRecord("digest-under-the-new-secret digest"))
    assert await authenticator.read_identity("sid", "7") is not None


async def test_session_of_a_missing_user_is_none(authenticator, broker):
    broker.delete_user("7")
    assert await authenticator.read_identity("sid", "7") is None


async def test_session_is_not_decided_while_redis_is_down(authenticator, broker):
    broker.cut()
    with pytest.raises(BrokerUnavailable):
        await authenticator.read_identity("sid", "7")
    with pytest.raises(BrokerUnavailable):
        await authenticator.read_identities_again([("sid", "7")])


async def test_sessions_are_identified_again_in_their_order(authenticator):
    verdicts = await authenticator.read_identities_again(
        [("visitor", None), ("unknown", "7"), ("sid", "7")]
    )
    assert [isinstance(verdict, Identity) for verdict in verdicts] == [True, False, True]
    assert verdicts[2].uid == "7"


async def test_session_that_moved_without_a_control_message_is_followed(authenticator, broker):
    broker.move_session("sid", "second")
    broker.move_session("second", "third")
    (verdict,) = await authenticator.read_identities_again([("sid", "7")])
    assert (verdict.sid, verdict.uid) == ("third", "7")


async def test_session_that_moved_and_ended_is_none(authenticator, broker):
    broker.move_session("sid", "second")
    broker.delete_session("second")
    (verdict,) = await authenticator.read_identities_again([("sid", "7")])
    assert verdict is None


async def test_former_key_of_a_moved_session_is_rejected(authenticator, broker):
    broker.move_session("sid", "second")
    assert await authenticator.read_identity("sid", "7") is None


@pytest.mark.parametrize("other", [SessionRecord("8", "digest"), SessionRecord("", "")])
@pytest.mark.parametrize("has_moved", [True, False])
async def test_session_of_a_user_is_not_followed_to_another_user(
    authenticator, broker, other, has_moved
):
    broker.write_user("8", UserRecord("digest"))
    if has_moved:
        broker.move_session("sid", "second")
    broker.write_session("second" if has_moved else "sid", other)
    (verdict,) = await authenticator.read_identities_again([("sid", "7")])
    assert verdict is None


@pytest.mark.parametrize(("becomes", "uid"), [("", None), ("7", "7")])
async def test_session_of_a_visitor_that_moved_without_a_control_message_is_followed(
    authenticator, broker, becomes, uid
):
    broker.move_session("visitor", "second")
    broker.write_session("second", SessionRecord(becomes, "digest" if becomes else ""))
    (verdict,) = await authenticator.read_identities_again([("visitor", None)])
    assert (verdict.sid, verdict.uid) == ("second", uid)


async def test_circular_moves_are_none(authenticator, broker):
    broker.move_session("sid", "second")
    broker.move_session("second", "sid")
    broker.delete_session("sid")
    (verdict,) = await authenticator.read_identities_again([("sid", "7")])
    assert verdict is None


async def test_session_of_a_visitor_is_followed_to_its_user(authenticator, broker):
    broker.write_session("visitor", SessionRecord("8", "digest"))
    broker.write_user("8", UserRecord("digest"))
    (verdict,) = await authenticator.read_identities_again([("visitor", None)])
    assert verdict.uid == "8"
    assert "user:8" in verdict.channels
