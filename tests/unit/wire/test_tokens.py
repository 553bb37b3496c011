"""Tokens: what was signed is read again, whatever was not is refused by one error."""

import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode
from sockgate_gateway.wire.errors import (
    TokenError,
    TokenExpired,
    TokenInvalid,
    TokenOfUnknownKey,
)
from sockgate_gateway.wire.key_ids import key_id
from sockgate_gateway.wire.tokens import (
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

fields = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), min_size=1, max_size=64)


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
def test_token_survives_encoding(sid, uid):
    signer = TokenSigner([KEY], FakeClock())
    token = Token(sid, uid)
    assert signer.read(signer.issue(token), HOUR_S) == token


@given(sid=fields, channel=fields, rights=st.just("") | fields)
def test_grant_survives_encoding(sid, channel, rights):
    signer = GrantSigner([KEY], FakeClock())
    grant = Grant(sid, channel, rights)
    assert signer.read(signer.issue(grant), HOUR_S) == grant


@pytest.mark.parametrize("rights", ["", 7, None, ["r1"], "r" * 513])
def test_grant_under_an_invalid_name_of_rights_is_refused(rights, clock):
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


def refusal_of(text: str) -> TokenInvalid:
    with pytest.raises(TokenInvalid) as refused:
        TokenSigner([KEY], FakeClock()).read(text, HOUR_S)
    return refused.value


def test_token_of_an_unknown_key_names_it(clock):
    other = "another-key-0123456789abcdefghij"
    refused = refusal_of(TokenSigner([other], clock).issue(Token("sid", "7")))
    assert isinstance(refused, TokenOfUnknownKey)
    assert (refused.key_id, str(refused)) == (key_id(other), "not signed by us")


def test_damaged_token_of_a_known_key_is_of_no_unknown_key(signer):
    refused = refusal_of(signer.issue(Token("sid", "7"))[:-8])
    assert not isinstance(refused, TokenOfUnknownKey)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"kid":"a\\nbcdefg"}',
        b'{"kid":"' + b"x" * 500 + b'"}',
        b'{"kid":["abcdefgh"]}',
        b"[" * 1200,
        b'{"sid":"sid"}',
        b"\xff",
        b"",
        b"\x78\x9c broken",
        zlib.compress(b'{"kid":"abcdefgh"' + b" " * 1_000_000 + b"}"),
    ],
)
@pytest.mark.parametrize("dot", ["", "."])
def test_key_that_a_hostile_token_claims_is_not_believed(payload, dot):
    text = (
        dot
        + base64_encode(payload).decode()
        + ".ZVPxAA.N81l-dqxUupv1cxpGlHOfgArxEoLk4R2TLUB_u1uTR8"
    )
    refused = refusal_of(text)
    assert isinstance(refused, TokenOfUnknownKey)
    assert refused.key_id == ""


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


def test_token_and_grant_are_not_interchangeable(clock):
    token_signer, grant_signer = TokenSigner([KEY], clock), GrantSigner([KEY], clock)
    with pytest.raises(TokenInvalid):
        grant_signer.read(token_signer.issue(Token("sid", "7")), HOUR_S)
    with pytest.raises(TokenInvalid):
        token_signer.read(grant_signer.issue(Grant("sid", "room:7")), HOUR_S)


@given(sid=fields, uid=st.none() | fields)
def test_token_has_the_documented_form(sid, uid):
    """A program with itsdangerous alone can sign and read these tokens."""
    theirs = URLSafeTimedSerializer(
        ["an-older-key", KEY],
        salt="sockgate.token.v1",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )
    ours = TokenSigner(["an-older-key", KEY])
    fields = {"v": 1, "sid": sid, "uid": uid}
    assert theirs.loads(ours.issue(Token(sid, uid))) == {**fields, "kid": key_id(KEY)}
    assert ours.read(theirs.dumps(fields), HOUR_S) == Token(sid, uid)
