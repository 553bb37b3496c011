"""Reads the rows of the contract: the members of a frame."""

from dataclasses import dataclass
from functools import reduce
from operator import or_
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
        of_kind = {int: "<n>", float: "<seconds>", bool: "<true or false>"}
        return self.value.form or of_kind.get(self.kind, f"<{self.name}>")


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
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kind = reduce(or_, [kind for kind in kinds if kind is not NoneType])
    is_required = field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT
    return Member(field.name, kind, value, is_required, NoneType in kinds)
