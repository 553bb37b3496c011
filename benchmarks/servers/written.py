"""Messages in the format of another server's publisher, as patterns with placeholders."""

FILLER = "~"
"""A byte that occurs in no length, type or name of those formats."""

USER = "000000"
"""Stands for a user's number, which has six digits."""


def template_of(written: bytes, body: int) -> str:
    """Convert a message with a body of filler bytes into a pattern of wsload."""
    before, found, after = written.partition(FILLER.encode() * body)
    if not found:
        raise ValueError("the body was not written as it is")
    return f"{pattern_of(before)}%s{pattern_of(after)}"


def pattern_of(written: bytes) -> str:
    """Escape unprintable bytes, and insert a placeholder for the user's number."""
    return "".join(map(_escaped, written)).replace(USER, "%D")


def _escaped(byte: int) -> str:
    prints = 0x20 <= byte < 0x7F and chr(byte) not in "\\%"
    return chr(byte) if prints else f"\\x{byte:02x}"
