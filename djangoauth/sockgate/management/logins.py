"""What commands need to connect as a user: a token of their own login, and the gateway's URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError
from django.db import connections
from django.http import HttpRequest

from .. import conf
from ..access.tokens import issue_token
from ..client import CredentialsError, IssuedToken
from .operating import user_named


def active_user(name: str) -> Any:
    """Return a user who can log in.

    Raises:
        CommandError: there is none of that name.
    """
    user = user_named(name)
    if not user.is_active:
        raise CommandError(f"The user {name!r} is not active, and cannot log in.")
    return user


def token_of(request: HttpRequest) -> IssuedToken:
    """Issue a token to the login of a command, from a thread of the client.

    Raises:
        CredentialsError: the login has ended.
    """
    with connections_closed():
        issued = issue_token(request)
    if issued is None:
        raise CredentialsError("the login of this command has ended", 401, is_final=True)
    return IssuedToken(issued.text, issued.expires_in_s)


def gateway_url(given: str | None) -> str:
    """Return the URL of the gateway for a program on this machine.

    Raises:
        CommandError: the setting has no host.
    """
    url = given or conf.current().gateway_url
    if url.startswith(":"):
        return conf.gateway_url_at("http://127.0.0.1")
    if url.startswith("/"):
        raise CommandError(
            f'SOCKGATE["GATEWAY_URL"] is the path {url!r}. Name the host: '
            f"--url http://127.0.0.1:8001{url}"
        )
    return url


@contextmanager
def connections_closed() -> Iterator[None]:
    """Close the database connections that a thread of the client has opened."""
    try:
        yield
    finally:
        connections.close_all()
