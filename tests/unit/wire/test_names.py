"""Names: one-way, of one alphabet, and unique."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.wire import names
from sockgate_gateway.wire.errors import ChannelNameError

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"))
BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@given(texts)
def test_sid_is_short_text_without_the_session_key(session_key):
    sid = names.sid_of(session_key)
    assert len(sid) == 32
    assert BASE64URL.fullmatch(sid)
    assert len(session_key) < 4 or session_key not in sid


@given(texts)
def test_auth_digest_is_short_text(auth_hash):
    digest = names.auth_digest(auth_hash)
    assert len(digest) == 16
    assert BASE64URL.fullmatch(digest)


@given(texts)
def test_channel_name_is_returned_or_refused(text):
    try:
        assert names.check_channel(text) == text
    except ChannelNameError:
        assert not names._CHANNEL_NAME.fullmatch(text)


@given(st.from_regex(names._CHANNEL_NAME, fullmatch=True))
def test_channel_name_holds_no_braces(name):
    assert not set("{} \n\"'\\") & set(names.check_channel(name))


@pytest.mark.parametrize("channel_of", [names.user_channel, names.group_channel])
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=20))
def test_private_channel_names_only_its_owner(channel_of, owner):
    namespace, _, encoded = channel_of(owner).partition(":")
    assert unquote(encoded) == owner
    assert ":" not in encoded
    assert namespace == names.namespace_of(channel_of(owner))
    assert names.is_automatic(channel_of(owner))


def test_private_channel_of_an_endless_name_is_refused():
    with pytest.raises(ChannelNameError):
        names.user_channel("x" * names.MAX_CHANNEL_LENGTH)


@given(st.from_regex(names._CHANNEL_NAME, fullmatch=True))
def test_history_keys_hash_to_the_slot_of_the_channel(channel):
    ours = names.Names()
    for key in (ours.history(channel), ours.offset(channel)):
        assert hash_tag(key) == ours.channel(channel)


def hash_tag(key):
    """Give the part of a key that Redis Cluster hashes, by its specification."""
    start = key.find("{")
    end = key.find("}", start + 1)
    return key[start + 1 : end] if start >= 0 and end > start + 1 else key
