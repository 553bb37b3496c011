"""``exclude=request``: the connection that does not receive what its own request has published.

The browser client names its connection in a header of the request. A browser may send there what it
likes, so the header is only ever used to leave a connection out.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from sockgate_gateway.wire.publication import is_connection_id

from ..errors import PublicationInvalid

HEADER = "X-Sockgate-Connection"


class HasHeaders(Protocol):
    """A request: Django's, or one of another framework whose headers ignore the case."""

    @property
    def headers(self) -> Mapping[str, Any]:
        """The headers by name."""


Excludable = HasHeaders | str


def excluded_connection(exclude: Excludable | None) -> str | None:
    """Return the id of the connection that a request or a text names.

    A header or text that is not the id of a connection is ignored: both may come from a browser.

    Raises:
        PublicationInvalid: it is neither a request nor a text.
    """
    if exclude is None:
        return None
    if isinstance(exclude, str):
        return _id_or_none(exclude)
    headers = getattr(exclude, "headers", None)
    if not isinstance(headers, Mapping):
        raise PublicationInvalid(
            "exclude must be a request, or the id of a connection as a text, not "
            f"{type(exclude).__name__}"
        )
    return _id_or_none(headers.get(HEADER))


def _id_or_none(text: object) -> str | None:
    return text if isinstance(text, str) and is_connection_id(text) else None
