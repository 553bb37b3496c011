"""The contract is written into documents, types, scripts and vectors: ``make contract``."""

import pytest
from sockgate.client import core
from sockgate_gateway.sessions.requests import Requests
from sockgate_gateway.wire.contract import CLIENT_FRAMES, GATEWAY_FRAMES, Connect, Ping

from tests.contract.files import files
from tests.contract.rows import type_of


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_file_is_as_the_contract_says(path):
    assert path.read_text("utf-8") == files()[path], "run make contract, and read what has changed"


def test_gateway_handles_each_frame_of_clients():
    assert {*Requests._actions, Connect, Ping} == set(CLIENT_FRAMES)


def test_python_client_handles_only_frames_of_the_contract():
    handled = {*core._NOTICES, *core._CHANNEL_NOTICES, *core._CHANNEL_ANSWERS}
    assert handled <= {type_of(frame) for frame in GATEWAY_FRAMES}
