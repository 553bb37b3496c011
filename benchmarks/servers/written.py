"""Messages as a peer's own publisher writes them, with a place left for what changes."""

FILLER = "~"
"""Unlike any byte that a length, a type or a name of the peers' formats is written with."""

USER = "000000"
"""Stands for a user's number, which has six digits."""


def template_of(written: bytes, body: int) -> str:
    """Turn what was written with a body of fillers into a pattern of wsload."""
    before, found, after = written.partition(FILLER.encode() * body)
    if not found:
        raise ValueError("the body was not written as it is")
    return f"{pattern_of(before)}%s{pattern_of(after)}"


def pattern_of(written: bytes) -> str:
    """Escape what does not print, and leave a place for the user's number."""
    return "".join(map(_escaped, written)).replace(USER, "%D")


def _escaped(byte: int) -> str:
    prints = 0x20 <= byte < 0x7F and chr(byte) not in "\\%"
    return chr(byte) if prints else f"\\x{byte:02x}"
