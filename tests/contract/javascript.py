"""``clientjs/src/wire/contract.js``: the constants and the checks of the browser client."""

import re
from typing import Any

import msgspec
from sockgate_gateway.wire import contract, limits
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.documentation import DOCUMENTATION
from sockgate_gateway.wire.events import RESERVED_EVENTS

from tests.contract.rows import Member, members_of, type_of

_KINDS: dict[Any, str] = {
    str: "string",
    int | str: "id",
    contract.Recover: "recover",
    dict[str, contract.Recover]: "recovers",
    msgspec.Raw: "any",
}
"""By type, the check in ``wire/check.js``."""

_FILE = """\
/**
 * The contract between client and gateway. `make contract` writes this file from
 * gateway/sockgate_gateway/wire/contract.py; docs/protocol.md describes the frames.
 */

/** Why the gateway closed a connection. */
export const CloseCode = {{
{codes}
}};

/** The documentation site. docs/troubleshooting.md has an anchor for each code. */
export const DOCUMENTATION = "{documentation}";

/** A channel's name. */
export const CHANNEL = /^{channel}$/;

/** Events of the connection and its channels, which no publication may use. */
export const RESERVED = /^({events})$/;

/** The reason of an `unsubscribed` frame after which Django may grant the channel again. */
export const RIGHTS_CHANGED = "{rights_changed}";

/** The number of frames that may follow `connect` before `connected`. */
export const MAX_EARLY_FRAMES = {early};

/**
 * The members of each frame of a client: the kind (check.js), "?" where it may be absent, "|null"
 * where it may be null.
 */
export const CLIENT_FRAMES = {{
{frames}
}};
"""


def contract_js() -> str:
    """Return the file."""
    return _FILE.format(
        codes=",\n".join(f"  {code.name}: {int(code)}" for code in CloseCode),
        documentation=DOCUMENTATION,
        channel=limits.CHANNEL_NAME,
        events="|".join(re.escape(event) for event in sorted(RESERVED_EVENTS)),
        rights_changed=contract.RIGHTS_CHANGED,
        early=limits.MAX_EARLY_FRAMES,
        frames=",\n".join(map(_frame, contract.CLIENT_FRAMES)),
    )


def _frame(frame: type[msgspec.Struct]) -> str:
    members = ", ".join(f'{member.name}: "{_check(member)}"' for member in members_of(frame))
    return f"  {type_of(frame)}: {{ {members} }}"


def _check(member: Member) -> str:
    absent = "" if member.is_required else "?"
    return f"{_KINDS[member.kind]}{absent}{'|null' if member.may_be_null else ''}"
