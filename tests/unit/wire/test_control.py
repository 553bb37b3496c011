"""Control messages: the round trip, and one error for anything else."""

from typing import get_args

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sockgate_gateway.wire import control
from sockgate_gateway.wire.errors import ControlError

from tests.unit.wire.json_values import json_values

st.register_type_strategy(
    msgspec.Raw, json_values.map(lambda value: msgspec.Raw(msgspec.json.encode(value)))
)
message_classes = st.sampled_from(get_args(control.ControlMessage))


@given(message_classes.flatmap(st.from_type))
def test_control_message_survives_encoding(message):
    assert control.read_control(control.write_control(message)) == message


@given(st.binary())
@example(b"[" * 100_000)
@example(b'{"op":"revoke_user","uid":"\xff"}')
def test_hostile_control_message_is_one_error(raw):
    with pytest.raises(ControlError) as refusal:
        control.read_control(raw)
    assert len(str(refusal.value)) <= 200


def test_control_message_may_have_fields_of_a_later_version():
    raw = b'{"op":"revoke_user","uid":"7","because":"kicked"}'
    assert control.read_control(raw) == control.RevokeUser("7")
