"""Reads the rows of the contract: the members of a frame."""

from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from sockgate_gateway.wire.contract import Value


@dataclass(frozen=True)
class Member:
    """A member of a frame; ``kind`` is its type, without ``None`` where that is allowed."""

    name: str
    kind: Any
    value: Value
    is_required: bool
    may_be_null: bool

    @property
    def form(self) -> str:
        return self.value.form or f"<{self.name}>"


def type_of(frame: type[msgspec.Struct]) -> str:
    return str(frame.__struct_config__.tag)


def members_of(frame: type[msgspec.Struct]) -> list[Member]:
    hints = get_type_hints(frame, include_extras=True)
    return [_member(field, hints[field.name]) for field in msgspec.structs.fields(frame)]


def _member(field: Any, hint: Any) -> Member:
    value = Value()
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        value = notes[-1]  # the outermost one
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    may_be_null = isinstance(hint, UnionType) and NoneType in get_args(hint)
    kind = hint
    if may_be_null:
        kind = kinds[0]
        for other in kinds[1:]:
            kind |= other
    is_required = field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
    return Member(field.name, kind, value, is_required, may_be_null)
