"""All collaborators of a worker are arguments without a default."""

import inspect

import pytest
from sockgate_gateway.channels.hub import Hub
from sockgate_gateway.channels.policies import Policies
from sockgate_gateway.channels.presence import Presence
from sockgate_gateway.channels.recovery import HistoryReader
from sockgate_gateway.config.config import Config
from sockgate_gateway.connections.registry import Registry
from sockgate_gateway.server.worker import Worker
from sockgate_gateway.sessions.access import Access
from sockgate_gateway.sessions.authenticator import Authenticator
from sockgate_gateway.sessions.client_publish import ClientPublisher
from sockgate_gateway.sessions.connect import ConnectBatcher
from sockgate_gateway.sessions.control import ControlMessages
from sockgate_gateway.sessions.grants import Grants
from sockgate_gateway.sessions.lifecycle import Lifecycle
from sockgate_gateway.sessions.monitor import SessionMonitor
from sockgate_gateway.sessions.refresh import TokenRefresh
from sockgate_gateway.sessions.requests import Requests
from sockgate_gateway.sessions.revalidation import Revalidator
from sockgate_gateway.sessions.subscribe import SubscribeRequests

PARTS = (
    Authenticator,
    HistoryReader,
    Requests,
    Lifecycle,
    Hub,
    ControlMessages,
    Policies,
    Presence,
    ClientPublisher,
    Registry,
    SessionMonitor,
    Grants,
    SubscribeRequests,
    Access,
    Revalidator,
    TokenRefresh,
    ConnectBatcher,
)


def collaborators(part: type) -> list[str]:
    """List the arguments that are no plain values; an optional one is a plain value or a clock."""
    plain = {"int", "float", "str"}
    given = inspect.signature(part).parameters.values()
    return [p.name for p in given if str(getattr(p.annotation, "__name__", "")) not in plain]


@pytest.mark.parametrize("part", PARTS)
def test_part_cannot_be_made_without_a_collaborator(part: type) -> None:
    parameters = inspect.signature(part).parameters
    for name in collaborators(part):
        others = {key: None for key in parameters if key != name}
        if parameters[name].default is inspect.Parameter.empty:
            with pytest.raises(TypeError, match=name):
                part(**others)
        else:
            assert name in {"clock", "prolong"}, name


async def test_every_hook_of_a_worker_leads_to_another_part() -> None:
    """A call of each hook reaches the part that it is for, and raises nothing of its own."""
    worker = Worker(Config(signing_keys="a signing key of these tests that is long enough"))
    try:
        parts = worker.parts
        hub, lifecycle, events = parts.hub, parts.lifecycle, parts.control_messages
        assert parts.revalidator._grants is parts.access._grants is parts.grants
        assert parts.monitor._subscribe_requests is parts.requests._subscribe_requests
        assert parts.registry.on_user_changed == parts.presence.user_changed
        calls: list[str] = []

        def note(name: str):
            return lambda *_: calls.append(name)

        parts.revalidator.welcomed = note("welcomed")
        parts.requests.receive = note("received")
        lifecycle._connect_batcher._on_welcome(None)
        lifecycle.on_frame(None, None)
        assert calls == ["welcomed", "received"]
        assert hub._queue is parts.history_reader._queue
        assert hub._presence is parts.presence._counts
        assert events._policy_audit is parts.policy_audit
        assert parts.policy_audit._policies is parts.policies
        assert worker.guard._gate is lifecycle
    finally:
        await worker.broker.close()
