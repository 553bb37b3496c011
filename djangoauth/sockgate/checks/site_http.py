"""HTTP as a browser speaks it to the site and the gateway.

The system checks and the doctor use it. No redirect is followed and no proxy is used: what answers
at exactly this URL is what matters.
"""

import json
import ssl
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from django.utils.datastructures import CaseInsensitiveMapping

from ..deadline import Deadline

MAX_BODY_BYTES = 64 * 1024
MAX_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response.

    Args:
        status: of the response.
        headers: their names in any case: HAProxy writes them in lower case.
        body: its first ``MAX_BODY_BYTES``.
        url: that was requested.
    """

    status: int
    headers: Mapping[str, str]
    body: str
    url: str = ""

    @property
    def is_of_gateway(self) -> bool:
        """Whether it is the answer of a gateway to a path that it does not serve."""
        has_its_headers = self.headers.get("Vary") == "Origin"
        return self.status == 404 and self.body == "Not Found" and has_its_headers

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object of its body; empty: it is none."""
        try:
            fields = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return fields if isinstance(fields, dict) else {}

    @property
    def shown(self) -> str:
        """Its status and the beginning of its body, escaped, for a message."""
        return f"HTTP {self.status}, {self.body[:MAX_SHOWN]!a}"


def open_connection(url: str, timeout_s: float) -> HTTPConnection:
    """Prepare a connection to the host of a URL."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return HTTPSConnection(parts.netloc, timeout=timeout_s, context=context)
    return HTTPConnection(parts.netloc, timeout=timeout_s)


def request(
    method: str,
    url: str,
    *,
    timeout_s: float,
    headers: Mapping[str, str],
    body: str | None = None,
) -> Answer:
    """Send a request, and read the response.

    Args:
        method: of the request.
        url: of the request.
        timeout_s: to connect, and then for the whole exchange.
        headers: of the request.
        body: of the request.

    Raises:
        OSError: nothing answers in time; ``ssl.SSLError`` is one.
        HTTPException: what answers speaks no HTTP.
        ValueError: the URL or a header cannot be sent.
    """
    with closing(open_connection(url, timeout_s)) as connection:
        connection.connect()
        with Deadline(timeout_s, connection.sock):
            connection.request(method, path_of(url), body, dict(headers))
            response = connection.getresponse()
            text = response.read(MAX_BODY_BYTES).decode(errors="replace")
        headers_read = CaseInsensitiveMapping(_joined(response.headers.items()))
        return Answer(response.status, headers_read, text, url)


def _joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join fields of one name with commas (RFC 9110 section 5.3): a page may have two policies."""
    joined: dict[str, str] = {}
    for name, value in fields:
        name = name.title()
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def path_of(url: str) -> str:
    """Return the target of a request for a URL."""
    return urlsplit(url).path or "/"
