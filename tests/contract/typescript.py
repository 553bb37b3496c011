"""The frames and codes in the types of the browser client."""

from typing import Any

import msgspec
from sockgate_gateway.wire import contract
from sockgate_gateway.wire.closecodes import CloseCode

from tests.contract.rows import Member, members_of, type_of

SHOWN = (
    contract.Subscribed,
    contract.Gap,
    contract.PresenceAnswer,
    contract.Join,
    contract.Leave,
    contract.PresenceChanged,
    contract.PresenceSet,
    contract.Published,
    contract.Rejection,
)
"""The frames that handlers and callbacks of a page receive."""

_KINDS: dict[Any, str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    int | str: "number | string",
    dict[str, int]: "{ [user: string]: number }",
    dict[str, msgspec.Raw]: "{ [user: string]: PresenceData }",
    dict[str, list[msgspec.Raw]]: "{ [user: string]: PresenceData[] }",
}
_FORMS = {
    "<object>": "PresenceData",
    "<object or null>": "PresenceData | null",
    "[<object>,…]": "PresenceData[]",
    "true": "true",
}


def regions() -> dict[str, str]:
    """Return each part of ``sockgate.d.ts`` by its name."""
    codes = "".join(f"  readonly {code.name}: {int(code)};\n" for code in CloseCode)
    errors = "".join(f'  | "{code}"\n' for code in contract.ERROR_CODES)
    return {
        "frames": "\n".join(map(_interface, SHOWN)),
        "error codes": errors,
        "close codes": f"export declare const CloseCode: {{\n{codes}}};\n",
    }


def _interface(frame: type[msgspec.Struct]) -> str:
    name = "".join(word.capitalize() for word in type_of(frame).split("_"))
    members = "".join(map(_member, members_of(frame)))
    return f'export interface {name}Frame {{\n  type: "{type_of(frame)}";\n{members}}}\n'


def _member(member: Member) -> str:
    says = f"  /** {member.value.says} */\n" if member.value.says else ""
    is_literal = member.form.startswith('"') and "<" not in member.form
    kind = member.form if is_literal else _FORMS.get(member.form) or _KINDS[member.kind]
    return f"{says}  {member.name}{'' if member.is_required else '?'}: {kind};\n"
