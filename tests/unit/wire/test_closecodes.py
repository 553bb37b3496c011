"""Close codes: every code of ours is in the range of its meaning."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.wire.closecodes import CloseCode, may_reconnect, needs_fresh_token

FINAL = {
    CloseCode.SESSION_ENDED,
    CloseCode.PROTOCOL_ERROR,
    CloseCode.MESSAGE_TOO_LARGE,
    CloseCode.TOO_MANY_CONNECTIONS,
    CloseCode.FLOOD,
}
REFUSED_TOKEN = {CloseCode.TOKEN_INVALID, CloseCode.TOKEN_EXPIRED, CloseCode.SESSION_UNKNOWN}


@pytest.mark.parametrize("code", CloseCode)
def test_close_code_is_in_the_range_of_its_meaning(code):
    assert may_reconnect(code) is (code not in FINAL)
    assert needs_fresh_token(code) is (code in REFUSED_TOKEN)


@pytest.mark.parametrize("code", CloseCode)
def test_reason_fits_a_websocket_close_frame(code):
    assert 0 < len(code.reason.encode()) <= 123  # RFC 6455 section 5.5: 125 bytes with the code


@given(st.integers(3000, 4999))
def test_half_of_each_range_allows_to_reconnect(code):
    assert may_reconnect(code) is (code % 1000 < 500)


@given(st.integers())
def test_fresh_token_is_required_only_by_codes_that_allow_to_reconnect(code):
    assert may_reconnect(code) or not needs_fresh_token(code)
