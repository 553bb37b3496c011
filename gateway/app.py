"""The composition root: one worker, from its configuration to its open port."""

import asyncio
import gc
import logging
import os
import signal
from contextlib import suppress
from secrets import token_hex
from socket import socket
from time import monotonic

from .authenticator import Authenticator
from .background import Background, end
from .broker.broker import Broker
from .catchup import CatchUp
from .commands import Commands
from .config import Config
from .control import Listener
from .endpoint import Endpoint
from .errors import BrokerUnavailable
from .hub import Hub
from .listeners import Listeners
from .namespaces import PolicyBook
from .ops import ops_application
from .presence import Presence
from .publications import Publications
from .registry import Limits, Registry
from .relay import Siblings
from .sessionwatch import SessionWatch
from .subscriptions import Subscriptions
from .timerwheel import TimerWheel
from .wire import messages
from .wire.closecodes import CloseCode
from .wire.tokens import GrantSigner, TokenSigner

log = logging.getLogger("gateway")

_PARENT_CHECK_S = 1.0


class Worker:
    """One gateway process. Build it inside the running loop.

    Args:
        config: checked.
        siblings: the workers that share the port, if there are others.
    """

    def __init__(self, config: Config, siblings: Siblings | None = None) -> None:
        self.config = config
        self._siblings = siblings
        self.id = token_hex(8)
        self.wheel = TimerWheel(monotonic)
        self._broker = broker = Broker(config, self.wheel, self.id)
        self.policies = PolicyBook(broker.settings, config.namespaces)
        self.hub = Hub(
            broker.names,
            broker.ledger,
            config.max_publication,
            self.policies.of,
            config.max_outbox,
        )
        self._compose_connections()
        self._listener = Listener(self.endpoint, self.watch, broker.replies, self.wheel)
        self._compose_channels()
        self._tasks: list[asyncio.Task[None]] = []
        self._background = Background()
        self._listeners = Listeners()

    @property
    def is_ready(self) -> bool:
        """Tell whether a browser that connects now will be served."""
        is_hearing = self._broker.subscriber.is_live and not self.hub.is_healing
        return is_hearing and not self.endpoint.is_draining

    def _compose_connections(self) -> None:
        config, sessions = self.config, self._broker.sessions
        signer = TokenSigner(config.signing_keys)
        authenticator = Authenticator(signer, sessions, config.token_max_age)
        self.endpoint = Endpoint(
            Registry(_limits(config)),
            self.hub,
            authenticator,
            self.wheel,
            config.connect_timeout,
            config.max_outbox,
            config.max_frames_per_second,
            config.max_recover,
        )
        self.watch = SessionWatch(
            self.endpoint,
            authenticator,
            self.wheel,
            config.audit_interval,
            config.password_grace,
            prolong=sessions.prolong if config.keep_sessions_alive else None,
        )
        self.endpoint.on_welcome = self.watch.welcomed

    def _compose_channels(self) -> None:
        config, broker = self.config, self._broker
        history = broker.history(self.endpoint.replay_limit_bytes)
        self.catch_up = CatchUp(self.hub, history, broker.subscriber)
        self.presence = Presence(self.hub, broker.presence, self.policies.of)
        self.endpoint.registry.on_rename = self.presence.renamed
        self.subscriptions = Subscriptions(
            self.endpoint,
            self.policies,
            GrantSigner(config.signing_keys),
            broker.revocations,
            config.grant_max_age,
            config.max_channels,
            config.max_channel_name,
        )
        publications = Publications(self.endpoint, self.policies, broker.press)
        Commands(
            self.endpoint,
            self.watch,
            self.subscriptions,
            self.presence,
            publications,
            self.policies,
        )
        self.policies.on_change = self._policies_changed
        self.watch.on_rights_changed = self.subscriptions.rights_changed
        self._listener.on_channel_revoked = self.subscriptions.channel_revoked
        self._listener.on_namespaces_changed = self._refresh_policies
        self._listener.on_link_restored = self._look_at_channels

    def start(self, sockets: list[socket], ops_sockets: list[socket]) -> None:
        """Begin to serve on bound sockets."""
        self._tasks = [
            asyncio.create_task(self._broker.subscriber.run(self._listener), name="subscriber"),
            asyncio.create_task(self.watch.audit(), name="audit"),
            asyncio.create_task(self.catch_up.run(), name="catch_up"),
            asyncio.create_task(self.presence.run(), name="presence"),
            asyncio.create_task(self._audit_channels(), name="channels"),
            asyncio.create_task(self._turn_wheel(), name="wheel"),
        ]
        for task in self._tasks:
            task.add_done_callback(_report)
        self._listeners.serve_browsers(
            self.config, self.endpoint, self.wheel, sockets, self._siblings
        )
        if ops_sockets:
            operations = ops_application(self.endpoint, lambda: self.is_ready)
            self._listeners.serve_operations(operations, ops_sockets)

    async def stop(self) -> None:
        """Send every browser elsewhere, then let go of everything."""
        await self._drain()
        await self._listeners.close()
        await self.presence.part()
        await end(self._tasks)
        await self._broker.close()

    async def _drain(self) -> None:
        self.endpoint.is_draining = True
        self._listeners.stop_accepting()
        timeout_s = self.config.drain_timeout
        for connection in self.endpoint.registry.open_connections():
            connection.send(messages.drain(timeout_s))
        deadline = monotonic() + timeout_s
        while self.endpoint.registry.connections and monotonic() < deadline:
            await asyncio.sleep(0.05)
        for connection in list(self.endpoint.registry.connections):
            self.endpoint.close(connection, CloseCode.DRAIN)
        await asyncio.sleep(0.1)

    async def _audit_channels(self) -> None:
        while True:
            await self._audit_channels_once()
            await asyncio.sleep(self.config.audit_interval)

    async def _audit_channels_once(self) -> None:
        await self.policies.refresh()
        try:
            await self.subscriptions.audit()
        except BrokerUnavailable as error:
            log.warning("event=audit_postponed cause=%s", error)
        except Exception:
            log.exception("event=audit_failed")

    def _policies_changed(self) -> None:
        self.hub.policies_changed()
        self.presence.recount()

    def _look_at_channels(self) -> None:
        self._background.start(self._audit_channels_once())

    def _refresh_policies(self) -> None:
        self._background.start(self.policies.refresh())

    async def _turn_wheel(self) -> None:
        while True:
            await asyncio.sleep(self.wheel.tick_s - self.wheel.clock() % self.wheel.tick_s)
            self.wheel.turn()


async def serve(
    config: Config,
    sockets: list[socket],
    ops_sockets: list[socket],
    siblings: Siblings | None = None,
) -> None:
    """Run one worker until SIGTERM or SIGINT."""
    tune_collector()
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stopping.set)
    worker = Worker(config, siblings)
    worker.start(sockets, ops_sockets)
    log.info("event=started port=%d worker=%s", sockets[0].getsockname()[1], worker.id)
    orphaned = asyncio.create_task(_stop_when_orphaned(stopping)) if siblings else None
    await stopping.wait()
    log.info("event=stopping worker=%s", worker.id)
    await worker.stop()
    if orphaned:
        orphaned.cancel()


async def _stop_when_orphaned(stopping: asyncio.Event) -> None:
    """A worker whose supervisor was killed must not keep the port from the next one."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(_PARENT_CHECK_S)
    stopping.set()


def tune_collector() -> None:
    """Let the cyclic collector look rarely, and never at what lives as long as the process.

    Connections are long-lived and form no garbage cycles; at the default thresholds the
    collector walks over all of them again and again while they connect, and doubles the cost
    of a connect at 8,000 connections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _limits(config: Config) -> Limits:
    return Limits(
        total=config.max_connections,
        unauthenticated=config.max_unauthenticated,
        per_user=config.max_per_user,
        per_address=config.max_per_address,
    )


def _report(task: "asyncio.Task[None]") -> None:
    """A task that should run forever has ended: say so."""
    with suppress(asyncio.CancelledError):
        error = task.exception()
        if error is not None:
            log.error("event=task_ended task=%s", task.get_name(), exc_info=error)
