"""Tokens: what was signed is read again, whatever was not is refused by one error."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

from gateway.wire.errors import TokenError, TokenExpired, TokenInvalid
from gateway.wire.tokens import (
    CLOCK_LEEWAY_S,
    MAX_TOKEN_LENGTH,
    Grant,
    GrantSigner,
    Token,
    TokenSigner,
)

KEY = "a-signing-key-for-tests"
NOW = 1_700_000_000
HOUR_S = 3600

fields = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64)


class FakeClock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def signer(clock):
    return TokenSigner([KEY], clock)


@given(sid=fields, uid=st.none() | fields)
def test_token_survives_the_way(sid, uid):
    signer = TokenSigner([KEY], FakeClock())
    token = Token(sid, uid)
    assert signer.read(signer.issue(token), HOUR_S) == token


@given(sid=fields, channel=fields, rights=st.just("") | fields)
def test_grant_survives_the_way(sid, channel, rights):
    signer = GrantSigner([KEY], FakeClock())
    grant = Grant(sid, channel, rights)
    assert signer.read(signer.issue(grant), HOUR_S) == grant


@pytest.mark.parametrize("rights", ["", 7, None, ["r1"], "r" * 513])
def test_grant_under_what_names_no_rights_is_refused(rights, clock):
    signer = GrantSigner([KEY], clock)
    text = signer._sign({"sid": "sid", "channel": "room:7", "rights": rights})
    with pytest.raises(TokenInvalid):
        signer.read(text, HOUR_S)


@given(
    st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,44}){0,3}", fullmatch=True)
)
def test_hostile_token_is_refused(text):
    with pytest.raises(TokenError):
        TokenSigner([KEY], FakeClock()).read(text, HOUR_S)


@given(st.data())
def test_changed_token_is_refused(data):
    signer = TokenSigner([KEY], FakeClock())
    text = signer.issue(Token("sid", "7"))
    # The last character also carries two bits that base64 leaves unused.
    place = data.draw(st.integers(0, len(text) - 2))
    other = data.draw(st.characters().filter(lambda character: character != text[place]))
    with pytest.raises(TokenInvalid):
        signer.read(text[:place] + other + text[place + 1 :], HOUR_S)


def test_token_is_dated_by_the_injected_clock(clock, signer):
    text = signer.issue(Token("sid", "7"))
    clock.now += HOUR_S
    assert signer.read(text, HOUR_S) == Token("sid", "7")
    clock.now += 1
    with pytest.raises(TokenExpired):
        signer.read(text, HOUR_S)


def test_token_from_a_clock_ahead_is_read_within_the_leeway(clock, signer):
    text = signer.issue(Token("sid", "7"))
    clock.now -= CLOCK_LEEWAY_S
    assert signer.read(text, HOUR_S) == Token("sid", "7")
    clock.now -= 1
    with pytest.raises(TokenExpired):
        signer.read(text, HOUR_S)


def test_newest_key_signs_and_every_key_verifies(clock):
    old, both, new = (TokenSigner(keys, clock) for keys in (["old"], ["old", "new"], ["new"]))
    token = Token("sid", "7")
    assert both.read(old.issue(token), HOUR_S) == token
    assert new.read(both.issue(token), HOUR_S) == token
    with pytest.raises(TokenInvalid):
        new.read(old.issue(token), HOUR_S)


@pytest.mark.parametrize("keys", [[], [""], ["key", ""]])
def test_signer_without_a_key_cannot_be_made(keys):
    with pytest.raises(ValueError, match="signing key"):
        TokenSigner(keys)


def test_token_too_long_is_refused_unread(signer):
    with pytest.raises(TokenInvalid, match="too long"):
        signer.read("x" * (MAX_TOKEN_LENGTH + 1), HOUR_S)


def test_error_does_not_show_the_token(signer):
    with pytest.raises(TokenInvalid) as refusal:
        signer.read("my-secret-token", HOUR_S)
    assert "my-secret-token" not in str(refusal.value)


def test_token_and_grant_do_not_pass_for_each_other(clock):
    token_signer, grant_signer = TokenSigner([KEY], clock), GrantSigner([KEY], clock)
    with pytest.raises(TokenInvalid):
        grant_signer.read(token_signer.issue(Token("sid", "7")), HOUR_S)
    with pytest.raises(TokenInvalid):
        token_signer.read(grant_signer.issue(Grant("sid", "room:7")), HOUR_S)


@given(sid=fields, uid=st.none() | fields)
def test_token_is_what_the_protocol_says_it_is(sid, uid):
    """Whoever signs with itsdangerous alone is understood, and understands."""
    theirs = URLSafeTimedSerializer(
        ["an-older-key", KEY],
        salt="sockgate.token.v1",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
    ours = TokenSigner(["an-older-key", KEY])
    fields = {"v": 1, "sid": sid, "uid": uid}
    assert theirs.loads(ours.issue(Token(sid, uid))) == fields
    assert ours.read(theirs.dumps(fields), HOUR_S) == Token(sid, uid)
