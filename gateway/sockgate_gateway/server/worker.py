"""One worker: its broker, its parts, its listeners and its tasks, from start to stop.

``Parts`` is the composition root of all that needs no socket; ``Listeners`` of all that does.
"""

import asyncio
import logging
import os
from contextlib import suppress
from secrets import token_hex
from socket import gethostname, socket
from time import monotonic

from ..broker.broker import Broker
from ..config.config import Config
from ..http.relay import Siblings
from ..loop.background import cancel_tasks
from ..loop.timer_wheel import TimerWheel
from ..sockjs.unknown_sockjs_sessions import UnknownSockJSSessions
from ..wire import protocol
from ..wire.closecodes import CloseCode
from ..wire.contract import Drain
from ..wire.inspection import WorkerName, WorkerState
from .balance import Balancer
from .deployments import DeploymentGuard
from .listeners import Listeners, OperationsListener
from .metrics.worker_metrics import WorkerMetrics
from .ops import ops_application
from .parts import Parts
from .watch.health import Health
from .worker_state import LastHour, state_of

log = logging.getLogger("sockgate")

_DRAIN_CHECK_S = 0.05
_LAST_WRITES_S = 0.1
"""For the kernel to send close frames before the sockets are closed."""


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
        number = siblings.number if siblings else 0
        self.name = WorkerName(self.id, gethostname(), number, os.getpid())
        self.broker = Broker(config, self.wheel, self.name)
        self.parts = Parts(config, self.broker, self.wheel, self.name, self._describe)
        self.guard = DeploymentGuard(
            self.broker.deployments,
            self.broker.deployment,
            self.id,
            self.parts.lifecycle,
            clock=monotonic,
        )
        self.unknown_sockjs_sessions = UnknownSockJSSessions(self.wheel)
        self.balancer = Balancer(
            self.parts.registry,
            self.parts.lifecycle,
            self.parts.presence.shares_of_others,
            monotonic,
            config.balance_ratio,
        )
        self._listeners = Listeners(self.unknown_sockjs_sessions)
        self.health = Health(self.parts, self.broker, self._listeners.pauses)
        self.metrics = WorkerMetrics(
            self.parts,
            self.unknown_sockjs_sessions.counts,
            self._listeners,
            self.health,
            self.broker.redis_watch,
            self.broker.pubsub,
            self.balancer,
        )
        self._last_hour = LastHour(self.parts)
        self._operations = OperationsListener()
        self._tasks: list[asyncio.Task[None]] = []
        self._is_drain_cut_short = False

    @property
    def is_ready(self) -> bool:
        """Whether a client that connects now is served."""
        return not self.health.reasons

    @property
    def is_started(self) -> bool:
        """Whether it listens."""
        return bool(self._tasks)

    def start(self, sockets: list[socket], ops_sockets: list[socket]) -> None:
        """Begin to serve on bound sockets."""
        parts, broker = self.parts, self.broker
        works = {
            "subscriber": broker.pubsub.run(parts.hub, parts.control_messages),
            "balancer": self.balancer.run(),
            "capabilities": broker.capabilities.run(),
            "redis_watch": broker.redis_watch.run(),
            "session_probe": broker.session_probe.run(parts.read_broadcast_history),
            "audit": parts.monitor.audit(),
            "history": parts.history_reader.run(),
            "presence": parts.presence.run(),
            "positions": parts.position_renewal.run(),
            "deployments": self.guard.run(),
            "channels": parts.policy_audit.run(),
            "wheel": self._turn_wheel(),
        }
        self._tasks = [asyncio.create_task(work, name=name) for name, work in works.items()]
        for task in self._tasks:
            task.add_done_callback(_log_end)
        self._serve(sockets, ops_sockets)

    def _describe(self) -> WorkerState:
        return state_of(self.parts, self.health, self.broker.redis_watch, self._last_hour)

    async def stop(self) -> None:
        """Drain: send every client elsewhere. Then close everything."""
        await self._drain()
        await self._listeners.close()
        await self._operations.close()
        await self.parts.presence.stop()
        await cancel_tasks(self._tasks)
        await self.guard.withdraw()
        await self.broker.close()

    def cut_drain_short(self) -> None:
        """Close the remaining connections now, or as soon as the worker stops."""
        self._is_drain_cut_short = True

    def _serve(self, sockets: list[socket], ops_sockets: list[socket]) -> None:
        lifecycle = self.parts.lifecycle
        self._listeners.serve_browsers(self.config, lifecycle, self.wheel, sockets, self._siblings)
        if ops_sockets:
            self._operations.serve(ops_application(self.metrics, self.health), ops_sockets)

    async def _drain(self) -> None:
        lifecycle, registry = self.parts.lifecycle, self.parts.registry
        await self._accept_for_the_last_time()
        lifecycle.is_draining = True
        self._listeners.stop_accepting()
        timeout_s = self.config.drain_timeout
        for connection in registry.open_connections():
            connection.send_now(protocol.write(Drain(timeout_s)))
        deadline = monotonic() + timeout_s
        while registry.connections and monotonic() < deadline and not self._is_drain_cut_short:
            await asyncio.sleep(_DRAIN_CHECK_S)
        lifecycle.close_all(CloseCode.DRAIN)
        await asyncio.sleep(_LAST_WRITES_S)

    async def _accept_for_the_last_time(self) -> None:
        """Accept until balancers have noticed that this worker is not ready any more."""
        self.health.is_stopping = True
        until = monotonic() + self.config.drain_delay
        while monotonic() < until and not self._is_drain_cut_short:
            await asyncio.sleep(_DRAIN_CHECK_S)

    async def _turn_wheel(self) -> None:
        self.wheel.idle.watch(asyncio.get_running_loop())
        while True:
            await asyncio.sleep(self.wheel.tick_s - self.wheel.clock() % self.wheel.tick_s)
            self.wheel.turn()


def _log_end(task: "asyncio.Task[None]") -> None:
    """Log that a task has ended that should run forever."""
    with suppress(asyncio.CancelledError):
        error = task.exception()
        if error is not None:
            log.error("event=task_ended task=%s", task.get_name(), exc_info=error)
