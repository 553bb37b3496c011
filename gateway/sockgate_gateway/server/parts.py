"""The parts of a worker that need no socket: each is built once here, and held.

Strategy: every part receives its collaborators from the constructor, in the order of need.
``Worker`` passes the broker for Redis. A test may pass another broker and its own clock.
"""

from collections.abc import Callable
from time import time

from ..channels.audience import Audience
from ..channels.history import HistoryRequest
from ..channels.history_queue import HistoryQueue
from ..channels.hub import Hub
from ..channels.latencies import Latencies
from ..channels.markup_gate import MarkupGate
from ..channels.notice_budget import NoticeBudget
from ..channels.policies import Policies
from ..channels.policy_audit import PolicyAudit
from ..channels.presence import Presence
from ..channels.presence_counts import PresenceCounts
from ..channels.recovery import HistoryReader
from ..channels.renewal import PositionRenewal
from ..config.config import Config
from ..connections.connection import Connection
from ..connections.journal import Journal
from ..connections.name_budget import NameBudget
from ..connections.registry import Limits, Registry
from ..connections.replay_budget import ReplayBudget
from ..loop.timer_wheel import TimerWheel
from ..sessions.access import Access
from ..sessions.authenticator import Authenticator
from ..sessions.client_presence import ClientPresence
from ..sessions.client_publish import ClientPublisher
from ..sessions.control import ControlMessages
from ..sessions.grants import Grants
from ..sessions.inspector import Inspector
from ..sessions.lifecycle import Lifecycle, LifecycleConfig
from ..sessions.monitor import SessionMonitor
from ..sessions.refresh import TokenRefresh
from ..sessions.requests import Requests
from ..sessions.revalidation import Revalidator
from ..sessions.subscribe import SubscribeRequests
from ..sessions.watchers import Watchers
from ..wire.contract import ClientFrame
from ..wire.inspection import InspectionSigner, WorkerName, WorkerState
from ..wire.markup import MarkupSigner
from ..wire.names import BROADCAST
from ..wire.tokens import GrantSigner, TokenSigner
from .broker_interface import BrokerInterface

REPLAY_SHARE = 2
"""A connection may recover half of what may be held back for it at once."""


class Parts:
    """Everything between the sockets of a worker and its broker, in groups, in the order of need.

    Args:
        config: limits, intervals and signing keys.
        broker: Redis, or a stand-in.
        wheel: wakes whatever has a deadline.
        worker: this one, for answers.
        describe: says how it is.
        clock: returns Unix seconds.
    """

    def __init__(
        self,
        config: Config,
        broker: BrokerInterface,
        wheel: TimerWheel,
        worker: WorkerName,
        describe: Callable[[], WorkerState],
        clock: Callable[[], float] = time,
    ) -> None:
        self.config = config
        self.wheel = wheel
        self.journal = Journal(clock)
        self._build_channels(config, broker, wheel, clock)
        self._build_connections(config, broker, wheel, clock)
        self._build_histories(broker)
        self._build_grants(config, broker, wheel, clock)
        self._build_revalidation(config, broker, wheel, clock)
        self._build_requests(broker)
        self.inspector = Inspector(
            worker,
            self.hub,
            self.registry,
            self.journal,
            InspectionSigner(config.signing_keys, broker.names.control, clock),
            describe,
            Watchers(self.lifecycle, broker.publisher, wheel),
            wheel,
            clock,
        )
        self.control_messages = ControlMessages(
            hub=self.hub,
            registry=self.registry,
            monitor=self.monitor,
            policy_audit=self.policy_audit,
            presence=self.presence,
            replies=broker.audience,
            inspector=self.inspector,
            journal=self.journal,
            wheel=wheel,
        )

    def _build_channels(
        self,
        config: Config,
        broker: BrokerInterface,
        wheel: TimerWheel,
        clock: Callable[[], float],
    ) -> None:
        """Build the hub, with the policies and the presence of its channels."""
        self.policies = Policies(broker.namespaces, config.namespaces)
        self.history_queue = HistoryQueue()
        self.presence_counts = PresenceCounts()
        self.hub = Hub(
            broker.names,
            broker.subscription_state,
            self.history_queue,
            self.presence_counts,
            Audience(self.presence_counts, config.live_rate, self.journal),
            self.policies.of,
            MarkupGate(broker.names, MarkupSigner(config.signing_keys, clock)),
            Latencies(clock, broker.clock_offset_s, self.policies.declared),
            max_publication_bytes=config.max_publication,
            pending_limit_bytes=config.max_outbox,
        )
        self.notices = NoticeBudget(wheel, self._receivers_of)
        self.presence = Presence(
            self.hub,
            self.presence_counts,
            broker.presence,
            self.policies.of,
            self._count_connections,
            self.notices,
        )
        self.policy_audit = PolicyAudit(
            self.policies, self.hub, self.presence, interval_s=config.audit_interval
        )

    def _build_connections(
        self,
        config: Config,
        broker: BrokerInterface,
        wheel: TimerWheel,
        clock: Callable[[], float],
    ) -> None:
        """Build the registry of connections, and their way from the first frame to the close."""
        self.registry = Registry(_limits(config), on_user_changed=self.presence.user_changed)
        self.authenticator = Authenticator(
            TokenSigner(config.signing_keys, clock),
            broker.sessions,
            config.token_max_age,
            config.replaced_keys,
            broker.clock_offset_s,
            clock,
        )
        self.replays = ReplayBudget(wheel, config.max_outbox // REPLAY_SHARE)
        self.lifecycle = Lifecycle(
            self.registry,
            self.hub,
            self.authenticator,
            self.replays,
            self.journal,
            wheel,
            config=_lifecycle_config(config),
            on_welcome=self._connected,
            on_frame=self._requested,
        )

    def _build_histories(self, broker: BrokerInterface) -> None:
        """Build what makes the channels of the hub live."""
        self.history = broker.history(self.replays.limit_bytes)
        self.history_reader = HistoryReader(
            self.hub, self.history_queue, self.history, broker.pubsub
        )
        self.position_renewal = PositionRenewal(self.hub, self.history)

    def _build_grants(
        self,
        config: Config,
        broker: BrokerInterface,
        wheel: TimerWheel,
        clock: Callable[[], float],
    ) -> None:
        """Build what decides on subscriptions, and what takes them away."""
        self.grants = Grants(broker.revocations)
        self.names = NameBudget(wheel, lambda: self.presence_counts.workers)
        self.subscribe_requests = SubscribeRequests(
            self.hub,
            self.replays,
            self.names,
            self.policies,
            GrantSigner(config.signing_keys, clock),
            self.grants,
            grant_max_age_s=config.grant_max_age,
            max_channels=config.max_channels,
            max_name_length=config.max_channel_name,
        )
        self.access = Access(
            lifecycle=self.lifecycle,
            registry=self.registry,
            hub=self.hub,
            journal=self.journal,
            grants=self.grants,
            subscribe_requests=self.subscribe_requests,
            wheel=wheel,
        )

    def _build_revalidation(
        self,
        config: Config,
        broker: BrokerInterface,
        wheel: TimerWheel,
        clock: Callable[[], float],
    ) -> None:
        """Build what keeps connections in step with their sessions."""
        self.revalidator = Revalidator(
            lifecycle=self.lifecycle,
            registry=self.registry,
            access=self.access,
            grants=self.grants,
            authenticator=self.authenticator,
            wheel=wheel,
            audit_interval_s=config.audit_interval,
            grace_s=config.password_grace,
            clock=clock,
        )
        self.monitor = SessionMonitor(
            self.lifecycle,
            self.registry,
            self.access,
            self.revalidator,
            self.subscribe_requests,
            audit_interval_s=config.audit_interval,
            prolong=broker.sessions.prolong if config.keep_sessions_alive else None,
        )

    def _build_requests(self, broker: BrokerInterface) -> None:
        """Build what answers the frames of open connections."""
        self.client_publisher = ClientPublisher(
            self.lifecycle, self.hub, self.policies, broker.publisher, broker.pubsub
        )
        self.client_presence = ClientPresence(
            self.lifecycle, self.hub, self.policies, self.presence, broker.pubsub
        )
        self.token_refresh = TokenRefresh(
            self.registry, self.authenticator, self.access, self.revalidator
        )
        self.requests = Requests(
            lifecycle=self.lifecycle,
            subscribe_requests=self.subscribe_requests,
            token_refresh=self.token_refresh,
            presence=self.presence,
            replays=self.replays,
            client_publisher=self.client_publisher,
            client_presence=self.client_presence,
            policies=self.policies,
            journal=self.journal,
            audience=self.hub.audience,
            barrier=broker.pubsub,
        )

    async def read_broadcast_history(self) -> None:
        """Read the history that every connect needs.

        Raises:
            BrokerUnavailable: Redis does not answer, or does not permit it.
        """
        if self.policies.of(BROADCAST).recover:
            await self.history.read_many([HistoryRequest(BROADCAST)])

    def _receivers_of(self, channel: str) -> int:
        return self.hub.audience.of(len(self.hub.connections_on(channel)))

    # Presence is built before the registry whose connections it counts.

    def _count_connections(self) -> int:
        return len(self.registry.connections)

    # The lifecycle is built before the two parts that it passes connections to.

    def _connected(self, connection: Connection) -> None:
        self.revalidator.welcomed(connection)

    def _requested(self, connection: Connection, frame: ClientFrame) -> None:
        self.requests.receive(connection, frame)


def _lifecycle_config(config: Config) -> LifecycleConfig:
    return LifecycleConfig(
        connect_timeout_s=config.connect_timeout,
        held_limit_bytes=config.max_outbox,
        max_frames_per_second=config.max_frames_per_second,
        max_recover=config.max_recover,
        heartbeat_s=config.heartbeat,
    )


def _limits(config: Config) -> Limits:
    return Limits(
        total=config.max_connections,
        unauthenticated=config.max_unauthenticated,
        per_user=config.max_per_user,
        per_address=config.max_per_address,
    )
