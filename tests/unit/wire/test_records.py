"""Records: any values in Redis are read as a login or as none, without an error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.wire.records import (
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
def test_any_value_in_redis_is_read_without_an_error(user, auth, channels, rights):
    read_session({"user": user, "auth": auth})
    read_user({"auth": auth, "channels": channels, "rights": rights})


@given(st.lists(st.text()))
def test_user_record_lists_valid_channels_only(channels):
    fields = {"auth": b"digest", "channels": json.dumps(["group:a", *channels]).encode()}
    user = read_user(fields)
    assert user is not None
    assert not [name for name in user.channels if name not in channels and name != "group:a"]


@pytest.mark.parametrize(
    "channels", [b"", b"{}", b"[7]", b"null", b'["a"', b"\xff", b"[" * 100_000]
)
def test_damaged_channels_of_a_user_record_are_empty(channels):
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


def test_user_has_the_own_channel_broadcast_and_groups():
    user = UserRecord("digest", ("group:editors",))
    assert channels_of(ALICE, user) == ("user:7", "broadcast", "group:editors")


@pytest.mark.parametrize("user", [None, UserRecord("digest", ("group:editors",))])
def test_visitor_has_broadcast_only(user):
    assert channels_of(SessionRecord("", ""), user) == ("broadcast",)
