"""Read a small JSON document from the provider, with one deadline for all of it."""

import json
import ssl
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ...deadline import Deadline, DeadlineHTTP, DeadlineHTTPS
from .errors import ProviderUnavailable

TIMEOUT_S = 5.0
MAX_BYTES = 256 * 1024


def fetch(url: str, timeout_s: float = TIMEOUT_S) -> Any:
    """Read a JSON document from a provider; redirects are not followed.

    Args:
        url: https, or http on this machine, as the settings admit.
        timeout_s: for connecting, TLS, the headers and the body together.

    Raises:
        ProviderUnavailable: no usable response in time.
    """
    # The settings admit https:// alone, and http:// on this machine.
    request = Request(  # noqa: S310
        url, headers={"Accept": "application/json", "User-Agent": "sockgate"}
    )
    request.deadline = deadline = Deadline(timeout_s)  # type: ignore[attr-defined]
    https = DeadlineHTTPS(context=ssl.create_default_context())
    opener = build_opener(_NoRedirect, DeadlineHTTP, https)
    try:
        with deadline, opener.open(request, timeout=timeout_s) as response:
            body = response.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ProviderUnavailable(f"the key set has more than {MAX_BYTES} bytes")
        return json.loads(body)
    except HTTPError as error:
        error.close()  # It is the response.
        raise ProviderUnavailable(f"the key set cannot be read: status {error.code}") from None
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        late = f"no complete response within {timeout_s:g} s"
        cause = late if deadline.is_over else _cause_of(error)
        raise ProviderUnavailable(f"the key set cannot be read: {cause}") from error


def _cause_of(error: Exception) -> str:
    """Name an error; only the system's own texts quote nothing of the URL or the response."""
    inner = getattr(error, "reason", None)
    cause = inner if isinstance(inner, OSError) else error
    text = cause.strerror if isinstance(cause, OSError) else None
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None
