"""Where the documentation is, for messages that lead to it.

``clientjs/src/wire/closecodes.js`` has the same address.
"""

DOCUMENTATION = "https://sockgate.example/"
"""The address of the folder ``docs/``."""


def address_of(page: str) -> str:
    """Return the full address of a page.

    Args:
        page: a file in ``docs/``, with the anchor where it has one: ``deploy.md#several-hosts``.
    """
    return DOCUMENTATION + page
