import asyncio

import pytest
from sockgate.client import CallableSource, CredentialsError, IssuedGrant, IssuedToken


def token_of(answer):
    return asyncio.run(CallableSource(lambda: answer).fetch_token())


def grant_of(answer):
    return asyncio.run(CallableSource(str, lambda _: answer).fetch_grant("room:7"))


def test_text_is_a_token_without_a_lifetime():
    assert token_of("T1") == IssuedToken("T1")


def test_issued_token_is_returned_as_it_is():
    assert token_of(IssuedToken("T1", 60, "u")) == IssuedToken("T1", 60, "u")


def test_coroutine_functions_are_awaited():
    async def issue():
        return "T1"

    assert asyncio.run(CallableSource(issue).fetch_token()) == IssuedToken("T1")
    assert asyncio.run(CallableSource(lambda: issue()).fetch_token()) == IssuedToken("T1")


@pytest.mark.parametrize("answer", [None, "", 7, {"token": "T1"}])
def test_anything_else_is_no_token(answer):
    with pytest.raises(CredentialsError, match="get_token"):
        token_of(answer)


def test_channel_is_public_without_a_function():
    assert asyncio.run(CallableSource(str).fetch_grant("room:7")) == IssuedGrant(None)


@pytest.mark.parametrize(
    ("answer", "grant"),
    [("G1", IssuedGrant("G1")), (None, IssuedGrant(None)), (IssuedGrant("G1"), IssuedGrant("G1"))],
)
def test_grant_of_a_function(answer, grant):
    assert grant_of(answer) == grant


def test_anything_else_is_no_grant():
    with pytest.raises(CredentialsError, match="get_grant"):
        grant_of(7)


def test_error_of_a_function_is_raised():
    def refuse():
        raise CredentialsError("no", 401, is_final=True)

    with pytest.raises(CredentialsError) as error:
        asyncio.run(CallableSource(refuse).fetch_token())
    assert error.value.is_final
