"""The tables of docs/protocol.md."""

from collections.abc import Iterable, Iterator
from inspect import cleandoc

import msgspec
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.contract import CLIENT_FRAMES, ERROR_CODES, GATEWAY_FRAMES

from tests.contract.rows import Member, members_of, type_of


def tables() -> dict[str, str]:
    """Return each table by its name in the page."""
    gateway = [frame for frame in GATEWAY_FRAMES if type_of(frame) != "moved"]
    return {
        "client frames": _table(("frame", "does"), map(_frame_of_client, CLIENT_FRAMES)),
        "limits": _table(("member", "limit"), _limits()),
        "gateway frames": _table(("frame", "means"), map(_frame_of_gateway, gateway)),
        "members": _table(("member", "of", "says"), _optional_members()),
        "error codes": _table(("code", "means"), ((f"`{c}`", t) for c, t in ERROR_CODES.items())),
        "close codes": _table(
            ("code", "reason", "come back"),
            ((str(int(code)), code.reason, code.come_back) for code in CloseCode),
        ),
    }


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(cells)} |\n" for cells in (head, *rows)]
    return "".join([lines[0], "|---" * len(head), "|\n", *lines[1:]])


def _frame_of_client(frame: type[msgspec.Struct]) -> tuple[str, str]:
    return _form(frame, [m for m in members_of(frame) if m.name != "id"]), _says(frame)


def _frame_of_gateway(frame: type[msgspec.Struct]) -> tuple[str, str]:
    return _form(frame, [m for m in members_of(frame) if m.is_required]), _says(frame)


def _form(frame: type[msgspec.Struct], members: list[Member]) -> str:
    inside = [f'"type":"{type_of(frame)}"', *(f'"{m.name}":{m.form}' for m in members)]
    return f"`{{{','.join(inside)}}}`"


def _says(frame: type[msgspec.Struct]) -> str:
    text = " ".join(cleandoc(frame.__doc__ or "").split()).replace("``", "`")
    return text + (f" Since {frame.since}." if frame.since else "")


def _limits() -> Iterator[tuple[str, str]]:
    limits = {
        f"`{member.name}` of `{type_of(frame)}`": member.value.limit
        for frame in CLIENT_FRAMES
        for member in members_of(frame)
        if member.value.limit
    }
    for limit in dict.fromkeys(limits.values()):
        yield ", ".join(name for name, other in limits.items() if other == limit), limit


def _optional_members() -> Iterator[tuple[str, str, str]]:
    frames: dict[tuple[str, str, str], list[str]] = {}
    for frame in GATEWAY_FRAMES:
        for member in members_of(frame):
            if not member.is_required:
                since = f" Since {member.value.since}." if member.value.since else ""
                key = (member.name, member.form, member.value.says + since)
                frames.setdefault(key, []).append(f"`{type_of(frame)}`")
    for (name, form, says), types in frames.items():
        yield f'`"{name}":{form}`', ", ".join(types), says
