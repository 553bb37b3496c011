"""The built module in Node.js, without a document."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.nodetab import find_node
from tests.e2e.tabs import PATIENCE_S

pytestmark = pytest.mark.e2e

PROGRAM = Path(__file__).parents[1] / "node" / "client.mjs"
ROOM = "room:node"


@pytest.fixture
def start():
    """Run the program with arguments, until the test ends."""
    programs: list[subprocess.Popen] = []

    def start(*arguments: str) -> subprocess.Popen:
        command = [find_node(), str(PROGRAM), *arguments]
        programs.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return programs[-1]

    yield start
    for program in programs:
        program.kill()
        program.communicate()


def test_promises_and_loop_work_without_a_document(stack, log_in, start):
    alice = log_in("alice")
    grant = json.loads(alice.post("/realtime/grant/", channel=ROOM).body)["grant"]
    program = start(stack.gateway_url, alice.token(), ROOM, grant)
    lines = map(json.loads, program.stdout)
    ready = next(lines)
    assert ready["transport"] == "websocket"
    assert next(lines)["users"] == {ready["user"]: 1}
    assert next(lines) == [True, "not_allowed", ROOM]
    stack.publish(ROOM, {"event": "moved", "data": {"x": 3}})
    stack.publish(ROOM, {"event": "end", "data": None})
    assert list(lines) == [["moved", {"x": 3}], ["end", None], "closed"]
    assert program.wait(PATIENCE_S) == 0
