"""Everything that one worker opens towards Redis."""

from ..config import Config
from ..timerwheel import TimerWheel
from ..wire.names import Names
from .clients import open_servers
from .history import RedisHistory
from .ledger import Ledger
from .presence import RedisPresence
from .press import RedisPress
from .replies import RedisReplies
from .revocations import RedisRevocations
from .sessions import RedisSessionReader
from .settings import RedisSettings
from .subscriber import Subscriber


class Broker:
    """Redis, as one worker sees it. It connects when first used.

    Args:
        config: of the gateway.
        wheel: tells the time.
        worker: whose broker it is.
    """

    def __init__(self, config: Config, wheel: TimerWheel, worker: str) -> None:
        self.names = names = Names(config.key_prefix, config.channel_prefix)
        self._config = config
        self._servers = servers = open_servers(config.redis_url)
        client = servers.client
        permanent = (names.control.encode(), names.probe(worker).encode())
        self.ledger = Ledger(names, wheel, config.release_delay, permanent)
        self.subscriber = Subscriber(servers, self.ledger, names, wheel, worker)
        self.sessions = RedisSessionReader(servers, names)
        self.replies = RedisReplies(client, names)
        self.settings = RedisSettings(client, names)
        self.presence = RedisPresence(client, names, worker)
        self.press = RedisPress(servers, names)
        self.revocations = RedisRevocations(client, names)

    def history(self, limit_bytes: int) -> RedisHistory:
        """Give the history of channels, at most so many bytes of each."""
        config = self._config
        limits = config.max_replay, limit_bytes, config.max_publication
        return RedisHistory(self._servers, self.names, *limits)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._servers.close()
