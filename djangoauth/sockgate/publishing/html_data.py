"""The data of the event ``sockgate:html``: where its markup goes in a page."""

import re
from typing import Any, Literal

from ..errors import PublicationInvalid

Swap = Literal["append", "prepend", "before", "after", "replace", "outer", "remove"]

SWAPS = ("append", "prepend", "before", "after", "replace", "outer", "remove")

_TARGET = re.compile(r"\S{1,255}")


def html_data(target: Any, swap: Any, html: str) -> dict[str, str]:
    """Return the data of one publication.

    Raises:
        PublicationInvalid: ``target`` is not the id of an element, or the swap is unknown.
    """
    if swap not in SWAPS:
        raise PublicationInvalid(f"swap must be one of {', '.join(SWAPS)}")
    if not isinstance(target, str) or not _TARGET.fullmatch(target):
        raise PublicationInvalid(
            "target must be the id of an element: 1 to 255 characters without spaces"
        )
    if not isinstance(html, str):
        raise PublicationInvalid(f"the markup must be a text, not {type(html).__name__}")
    return {"target": target, "swap": swap, "html": html}
