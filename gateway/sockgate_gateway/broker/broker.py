"""The worker's connections to Redis, and everything that uses them."""

from ..config.config import Config
from ..loop.timer_wheel import TimerWheel
from ..wire.deployments import deployment_of
from ..wire.inspection import WorkerName
from .audience import AudienceReplies
from .capability_watch import CapabilityWatch
from .deployments import RedisDeployments
from .history import RedisHistory
from .namespaces import RedisNamespaces
from .presence import RedisPresence
from .publish import RedisPublisher
from .pubsub import Subscriber
from .redis_watch import RedisWatch
from .revocations import RedisRevocations
from .servers.opening import servers_of
from .session_probe import SessionProbe
from .sessions import RedisSessionReader
from .subscription_state import SubscriptionState


class Broker:
    """Redis, as one worker uses it; it connects when it is first used.

    Args:
        config: of the gateway.
        wheel: for timers and the clock.
        worker: this one.
    """

    def __init__(self, config: Config, wheel: TimerWheel, worker: WorkerName) -> None:
        self.names = names = config.names
        self._config = config
        self._servers = servers = servers_of(config)
        client = servers.client
        permanent = (names.control.encode(), names.probe(worker.id).encode())
        self.subscription_state = SubscriptionState(names, wheel, config.release_delay, permanent)
        self.pubsub = Subscriber(servers, self.subscription_state, names, wheel, worker.id)
        self.sessions = RedisSessionReader(servers, names)
        self.redis_watch = RedisWatch(client, names, wheel)
        self.session_probe = SessionProbe(servers, self.sessions, names, wheel, self.redis_watch)
        self.capabilities = CapabilityWatch(client, config)
        self.audience = AudienceReplies(client, names)
        self.namespaces = RedisNamespaces(client, names)
        self.presence = RedisPresence(client, names, worker, has_signals=config.presence_signals)
        self.publisher = RedisPublisher(servers, names)
        self.revocations = RedisRevocations(client, names)
        self.deployment = deployment_of(names, config.signing_keys, config.replaced_keys)
        self.deployments = RedisDeployments(client, self.deployment, worker.id)

    def clock_offset_s(self) -> float | None:
        """Return how far the clock of Redis is ahead of ours; None: not known."""
        return self.redis_watch.offset_s

    def history(self, limit_bytes: int) -> RedisHistory:
        """Return the reader of histories, which reads at most ``limit_bytes`` of each channel."""
        config = self._config
        return RedisHistory(
            self._servers,
            self.names,
            max_publications=config.max_replay,
            max_bytes=limit_bytes,
            max_publication_bytes=config.max_publication,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._servers.close()
