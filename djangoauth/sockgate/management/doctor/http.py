"""Requests to the site and the gateway, whose failure ends a step of the walk."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException

from ...checks.site_http import Answer, request
from .report import StepFailed


@dataclass(frozen=True, slots=True)
class Peer:
    """The site or the gateway, for messages.

    Args:
        name: what should answer.
        mend: what to do when nothing does.
        anchor: the heading in docs/troubleshooting.md.
    """

    name: str
    mend: str
    anchor: str


def exchange(
    peer: Peer,
    method: str,
    url: str,
    *,
    timeout_s: float,
    headers: Mapping[str, str],
    body: str | None = None,
) -> Answer:
    """Send a request, and read the response.

    Raises:
        StepFailed: nothing answers at the URL, or what answers speaks no HTTP.
    """
    with reachable(peer, url):
        return request(method, url, timeout_s=timeout_s, headers=headers, body=body)


@contextmanager
def reachable(peer: Peer, url: str) -> Iterator[None]:
    """Turn errors of a request into ``StepFailed``."""
    try:
        yield
    except (OSError, HTTPException, ValueError) as error:
        raise unreachable(peer, url, error) from error


def unreachable(peer: Peer, url: str, error: Exception) -> StepFailed:
    """Say that nothing answers at a URL."""
    cause = str(error) or type(error).__name__
    if isinstance(error, ssl.SSLError):
        mend = (
            "Check the certificate, and https:// or http:// in the URL. For an authority of your "
            "own, set the variable SSL_CERT_FILE to its certificate."
        )
        return StepFailed(f"No TLS with {peer.name} at {url}: {cause}.", mend, peer.anchor)
    return StepFailed(f"{peer.name} does not answer at {url}: {cause}.", peer.mend, peer.anchor)
