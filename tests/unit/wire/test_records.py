"""Records: what stands in Redis is a login, or is not; it never raises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.records import (
    SessionRecord,
    UserRecord,
    channels_of,
    is_valid_login,
    read_session,
    read_user,
)

ALICE = SessionRecord("7", "digest")
values = st.none() | st.binary()


def as_redis_gives(fields):
    return {name: value.encode() for name, value in fields.items()}


@pytest.mark.parametrize("record", [ALICE, SessionRecord("", "")])
def test_session_survives_redis(record):
    assert read_session(as_redis_gives(record.to_hash())) == record


@pytest.mark.parametrize(
    "record",
    [
        UserRecord("digest"),
        UserRecord("digest", ("group:editors", "group:a%20b")),
        UserRecord("digest-under-the-new-key digest"),
        UserRecord("digest", rights="r1"),
    ],
)
def test_user_survives_redis(record):
    assert read_user(as_redis_gives(record.to_hash())) == record


@pytest.mark.parametrize("missing", ["user", "auth"])
def test_session_without_a_field_is_no_session(missing):
    assert read_session({**as_redis_gives(ALICE.to_hash()), missing: None}) is None


@pytest.mark.parametrize("auth", [None, b""])
def test_user_without_a_digest_is_no_user(auth):
    assert read_user({"auth": auth, "channels": b"[]"}) is None


@given(user=values, auth=values, channels=values, rights=values)
def test_whatever_stands_in_redis_is_read(user, auth, channels, rights):
    read_session({"user": user, "auth": auth})
    read_user({"auth": auth, "channels": channels, "rights": rights})


@given(st.lists(st.text()))
def test_user_hears_valid_channels_only(channels):
    fields = {"auth": b"digest", "channels": json.dumps(["group:a", *channels]).encode()}
    user = read_user(fields)
    assert user is not None
    assert not [name for name in user.channels if name not in channels and name != "group:a"]


@pytest.mark.parametrize(
    "channels", [b"", b"{}", b"[7]", b"null", b'["a"', b"\xff", b"[" * 100_000]
)
def test_user_with_damaged_channels_hears_none(channels):
    assert read_user({"auth": b"digest", "channels": channels}) == UserRecord("digest")


@pytest.mark.parametrize(
    ("session", "user", "is_valid"),
    [
        (None, None, False),
        (None, UserRecord("digest"), False),
        (ALICE, None, False),
        (ALICE, UserRecord("digest"), True),
        (ALICE, UserRecord("digest-of-another-password"), False),
        (ALICE, UserRecord("digest-under-the-new-key digest"), True),
        (ALICE, UserRecord("digest  older-digest oldest-digest"), True),
        (ALICE, UserRecord("older-digest digest-of-another-password"), False),
        (SessionRecord("7", "digest older"), UserRecord("digest older"), False),
        (SessionRecord("7", ""), UserRecord("digest  other"), False),
        (SessionRecord("", ""), None, True),
    ],
)
def test_login_is_valid_when_both_records_agree(session, user, is_valid):
    assert is_valid_login(session, user) is is_valid


def test_user_hears_himself_everyone_and_his_groups():
    user = UserRecord("digest", ("group:editors",))
    assert channels_of(ALICE, user) == ("user:7", "broadcast", "group:editors")


@pytest.mark.parametrize("user", [None, UserRecord("digest", ("group:editors",))])
def test_visitor_hears_everyone_alone(user):
    assert channels_of(SessionRecord("", ""), user) == ("broadcast",)
