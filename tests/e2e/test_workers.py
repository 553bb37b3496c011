"""Several workers on one port, and no balancer in front of them."""

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.stack import NEWS, running_stack
from tests.e2e.tabs import TABS
from tests.integration.gatewayprocess import children, is_host_child
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

WORKERS = 3
TABS_OF_EACH = 4


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running_stack(tmp_path_factory.mktemp("workers"), workers=str(WORKERS)) as stack:
        yield stack


@pytest.mark.parametrize("transport", TABS)
def test_any_worker_serves_every_request_of_a_connection(stack, log_in, open_tab, transport):
    alice = log_in("alice")
    tabs = [open_tab(transport) for _ in range(TABS_OF_EACH)]
    frames = [tab.show(alice.token()) for tab in tabs]
    assert [frame["type"] for frame in frames] == ["connected"] * TABS_OF_EACH
    own = f"user:{frames[0]['user']}"
    assert 1 <= stack.publish(own) <= WORKERS
    assert [tab.read()["data"] for tab in tabs] == [NEWS] * TABS_OF_EACH


def test_killed_worker_is_replaced(stack, log_in, open_tab):
    alice = log_in("alice")
    started = starts(stack)
    os.kill(workers_of(stack.gateway.pid)[0], signal.SIGKILL)
    wait_until(lambda: starts(stack) > started)
    for transport in TABS:
        assert open_tab(transport).show(alice.token())["type"] == "connected"
    assert len(workers_of(stack.gateway.pid)) == WORKERS
    stack.gateway.log.write_text("")  # the death was logged as an error, as it should be


def test_workers_end_when_their_supervisor_was_killed(stack):
    workers = workers_of(stack.gateway.pid)
    stack.gateway.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    faults = stack.faults()
    assert len(faults) == WORKERS
    assert all("event=supervisor_ended" in fault for fault in faults)
    stack.gateway.log.write_text("")  # They said why they end, as they should.
    stack.gateway.start()


def starts(stack):
    return stack.gateway.log.read_text().count("event=started")


def workers_of(pid):
    return [child for child in children(pid) if not is_host_child(child)]
