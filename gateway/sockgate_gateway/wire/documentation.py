"""Where the documentation site is, for messages that lead to it.

``clientjs/src/wire/closecodes.js`` has the same address.
"""

DOCUMENTATION = "https://sockgate.example/"
"""The address of what ``make docs`` builds."""


def address_of(place: str) -> str:
    """Return the full address of a page.

    Args:
        place: a file in ``docs/``, with the anchor where it has one: ``deploy.md#several-hosts``.
    """
    page, _, anchor = place.partition("#")
    return DOCUMENTATION + page.removesuffix(".md") + ".html" + (anchor and "#" + anchor)
