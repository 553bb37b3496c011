"""A Valkey and a gateway for the live tests of one process, started when the first test needs them.

Strategy: both start once. The gateway is started again only where a later test needs other
settings, or pages of another origin. Each process of xdist has its own.
"""

import atexit
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .. import conf
from ..channels import namespaces
from ..conf.defaults.embedded_valkey import ValkeyMissing
from ..conf.defaults.ports import HOST, free_port
from ..conf.gateway_variables import ORIGINS, path_of, variables_of_settings
from ..redis_clients import pools
from ..sessions.base import recorded_engine
from .gateway_process import GatewayProcess
from .valkey_process import ValkeyProcess

PAGE_ORIGIN = "http://testserver"
"""The origin of pages that Django's test client renders."""

_KEPT = ("worker:", "workers", "deployments", "probe:")
"""Keys that the running gateway needs."""

_DEFAULT_PATH = "/realtime"


class LiveServers:
    """The servers of this process."""

    def __init__(self) -> None:
        self._valkey: ValkeyProcess | None = None
        self._gateway: GatewayProcess | None = None
        self._origins: set[str] = {PAGE_ORIGIN}
        self._key = token_urlsafe(32)
        self._port = free_port()

    def settings(self) -> dict[str, Any]:
        """Return ``SOCKGATE`` for live tests: the site's own, with these servers.

        Raises:
            ImproperlyConfigured: the session engine is not Sockgate's.
        """
        if recorded_engine() is None:
            raise ImproperlyConfigured(
                f"SESSION_ENGINE {settings.SESSION_ENGINE!r} is not Sockgate's, so that no tab can "
                'connect. Live tests need SESSION_ENGINE = "sockgate.sessions.redis", "….db" or '
                '"….cached_db".'
            )
        raw: dict[str, Any] = getattr(settings, "SOCKGATE", {})
        path = path_of(raw.get("GATEWAY_URL", "")) or _DEFAULT_PATH
        return {
            **raw,
            "REDIS_URL": self._redis_url(),
            "SIGNING_KEYS": [self._key],
            "GATEWAY_URL": f"http://{HOST}:{self._port}{path}",
        }

    def require_gateway(self, origins: Collection[str] = ()) -> None:
        """Run a gateway for the settings in force, and for pages of these origins.

        Raises:
            ServerFailed: it does not start; the message has its log.
        """
        self._origins.update(origins)
        wanted = self._variables()
        running = self._gateway
        if running is not None and running.is_running and running.variables == wanted:
            return
        if running is not None:
            running.close()
        self._gateway = GatewayProcess(wanted, self._port)
        self._gateway.run()

    def clear(self) -> None:
        """Remove what former tests have left in Redis."""
        client, prefix = pools.records(), conf.current().key_prefix
        kept = tuple(f"{prefix}{name}".encode() for name in _KEPT)
        found = [key for key in client.scan_iter(f"{prefix}*") if not key.startswith(kept)]
        if found:
            client.delete(*found)
        namespaces.sync()

    @contextmanager
    def gateway_away(self) -> Iterator[None]:
        """Kill the gateway, and start it again at the end of the block."""
        gateway = self._gateway
        if gateway is None:
            raise RuntimeError("no gateway runs")
        gateway.kill()
        self._forget_workers()
        try:
            yield
        finally:
            gateway.run()

    def stop(self) -> None:
        """End both servers; the next test that needs them starts them again."""
        if self._gateway is not None:
            self._gateway.close()
        if self._valkey is not None:
            self._valkey.close()
        self._gateway = self._valkey = None

    def _redis_url(self) -> str:
        if self._valkey is None:
            self._valkey = _make_valkey()
            self._valkey.run()
        return self._valkey.url

    def _variables(self) -> Mapping[str, str]:
        return {
            **variables_of_settings(),
            ORIGINS: ",".join(sorted(self._origins)),
            "SOCKGATE_DRAIN_TIMEOUT": "0",
        }

    def _forget_workers(self) -> None:
        # Presence counts a killed worker until its key expires.
        client, names = pools.records(), conf.current().names
        workers: Any = client.smembers(names.workers)
        for worker in workers:
            client.delete(names.worker(worker.decode()))


@cache
def live_servers() -> LiveServers:
    """Return the servers of this process, which end with it."""
    servers = LiveServers()
    atexit.register(servers.stop)
    return servers


def origins_of(url: str) -> set[str]:
    """Return the origin of a server on this machine, under both of its names."""
    parts = urlsplit(url)
    hosts = {parts.hostname or HOST, "localhost", HOST}
    return {f"{parts.scheme}://{host}:{parts.port}" for host in hosts}


def _make_valkey() -> ValkeyProcess:
    try:
        return ValkeyProcess()
    except ValkeyMissing as error:
        raise ImportError(
            f"Live tests need it, but {error}: pip install 'sockgate[testing]'"
        ) from error
