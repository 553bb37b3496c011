"""The gateway: reachable at its URL, on the same Redis, with the same signing keys."""

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from redis.exceptions import NoPermissionError
from sockgate_gateway.wire.deployments import (
    Deployment,
    deployment_of,
    listing,
    read_registered,
)
from sockgate_gateway.wire.key_ids import short
from sockgate_gateway.wire.scripts import DEPLOYMENTS

from ... import conf
from ...checks.site_http import Answer
from ...redis_clients import pools
from .http import Peer, exchange
from .report import StepFailed, StepSkipped

DEFAULT_PREFIX = "/realtime"
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

GATEWAY = Peer(
    "The gateway",
    'Start the gateway (manage.py sockgate_gateway), or correct SOCKGATE["GATEWAY_URL"].',
    "gateway-not-running",
)


def read_info(url: str, origin: str, timeout_s: float) -> dict[str, Any]:
    """GET ``/info`` as a page of the site does, and return it.

    Raises:
        StepFailed: nothing answers, the path is wrong, or the origin is refused.
    """
    answer = _get_info(url, origin, timeout_s)
    info = _info_of(answer)
    if info is not None:
        return info
    if answer.status == 403:
        raise origin_refused(url, origin)
    if answer.status >= 500:
        raise StepFailed(
            f"A proxy answers in place of the gateway: {url}/info answers {answer.shown}.",
            "Start the gateway, and check its address in the proxy.",
            "gateway-not-running",
        )
    if url.startswith(f"{origin}/") and not answer.is_of_gateway:
        raise _no_proxy(url, answer)
    raise _wrong_path(url, origin, timeout_s, answer)


def _no_proxy(url: str, answer: Answer) -> StepFailed:
    """Say that the site answers where a proxy should pass requests to the gateway."""
    return StepFailed(
        f"The site itself answers in place of the gateway: {url}/info answers {answer.shown}.",
        f"Let the proxy pass {urlsplit(url).path} to the gateway. Without a proxy, set "
        'SOCKGATE["GATEWAY_URL"] to the gateway\'s own address, such as '
        '"http://127.0.0.1:8001/realtime". In DEBUG, manage.py runserver does so.',
        "gateway-not-running",
    )


def _get_info(url: str, origin: str, timeout_s: float) -> Answer:
    return exchange(GATEWAY, "GET", f"{url}/info", timeout_s=timeout_s, headers={"Origin": origin})


def _info_of(answer: Answer) -> dict[str, Any] | None:
    try:
        info = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        return None
    return info if isinstance(info, dict) and "websocket" in info else None


def _wrong_path(url: str, origin: str, timeout_s: float, answer: Answer) -> StepFailed:
    parts = urlsplit(url)
    proposed = f"{parts.scheme}://{parts.netloc}{DEFAULT_PREFIX}"
    if proposed != url and _is_gateway(proposed, origin, timeout_s):
        return StepFailed(
            f"The gateway answers at {proposed}, not at {url}.",
            f'Set SOCKGATE["GATEWAY_URL"] to "{proposed}".',
            "gateway-url-without-the-prefix",
        )
    return StepFailed(
        f"No gateway serves this path: {url}/info answers {answer.shown}.",
        'End SOCKGATE["GATEWAY_URL"] with SOCKGATE_PREFIX of the gateway, by default /realtime. '
        "The gateway's log has both (event=outside_prefix). A proxy must pass the whole path on: "
        "in nginx, proxy_pass without a slash at the end.",
        "gateway-url-without-the-prefix",
    )


def _is_gateway(url: str, origin: str, timeout_s: float) -> bool:
    answer = _get_info(url, origin, timeout_s)
    return answer.status == 403 or _info_of(answer) is not None


def origin_refused(url: str, origin: str) -> StepFailed:
    """Say that the gateway refuses pages of the site."""
    twin = _twin_of(origin)
    hint = f" Or open the site as {twin}: localhost and 127.0.0.1 are different origins."
    return StepFailed(
        f"The gateway at {url} refuses pages of {origin} (403).",
        f"Add {origin} to SOCKGATE_ORIGINS of the gateway.{hint if twin else ''}",
        "origin-refused",
    )


def _twin_of(origin: str) -> str:
    """Return the other common name of an origin on this computer; empty: it is not local."""
    parts = urlsplit(origin)
    if parts.hostname not in _LOCAL_HOSTS:
        return ""
    other = "localhost" if parts.hostname != "localhost" else "127.0.0.1"
    return f"{parts.scheme}://{other}{f':{parts.port}' if parts.port else ''}"


def compare_registered() -> str:
    """Compare the gateways that are registered in Redis with these settings.

    Returns:
        How many gateways of this site there are.

    Raises:
        StepFailed: none of them has the same Redis, prefixes and keys.
        StepSkipped: the Redis user may not read the registry.
    """
    config = conf.current()
    ours = deployment_of(config.names, config.signing_keys)
    registered = _registered(ours)
    same = [one for one in registered if one.names == ours.names and one.shares_a_key_with(ours)]
    if not same:
        raise _difference(ours, registered)
    return f"{len(same)} worker(s) of this site, keys {_keys(ours)}"


def _registered(ours: Deployment) -> list[Deployment]:
    client: Any = pools.records()
    try:
        reply = client.eval(DEPLOYMENTS, 1, *listing(ours.database))
    except NoPermissionError as error:
        raise StepSkipped(f"the Redis user may not read sockgate:deployments: {error}") from error
    return [one.deployment for one in read_registered(reply)]


def _difference(ours: Deployment, registered: Iterable[Deployment]) -> StepFailed:
    found = list(registered)
    if other := next((one for one in found if one.names == ours.names), None):
        return StepFailed(
            f"Django has the signing keys {_keys(ours)}, and the gateway {_keys(other)}.",
            "Set the same SOCKGATE_SIGNING_KEYS for both, and restart them.",
            "keys-differ",
        )
    if other := next((one for one in found if one.shares_a_key_with(ours)), None):
        return StepFailed(
            f"Django uses {_place(ours)}, and the gateway {_place(other)}.",
            "Set the same SOCKGATE_REDIS_URL with the same database number, KEY_PREFIX and "
            "CHANNEL_PREFIX for both.",
            "another-redis-or-database",
        )
    return StepFailed(
        "The gateway answers, but none with these keys uses this Redis server.",
        "Set the same SOCKGATE_REDIS_URL and SOCKGATE_SIGNING_KEYS for both. The gateway's log "
        "says whether it reaches its Redis.",
        "another-redis-or-database",
    )


def _keys(one: Deployment) -> str:
    return ", ".join(map(short, one.fingerprints))


def _place(one: Deployment) -> str:
    return (
        f"database {one.database} with the prefixes {one.key_prefix!r} and {one.channel_prefix!r}"
    )
