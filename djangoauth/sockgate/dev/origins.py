"""The origins of the pages that ``runserver`` serves."""

import socket

from django.conf import settings

from ..conf.gateway_variables import hosts_of_site, trusted_origins

TWINS = ("localhost", "127.0.0.1", "[::1]")
_HOSTS_IN_DEBUG = ("*.localhost",)
"""What Django allows with ``DEBUG`` and without ``ALLOWED_HOSTS``, besides ``TWINS``."""
_EVERY_ADDRESS = frozenset({"", "0", "0.0.0.0", "::"})


def origins_served(address: str, port: int) -> list[str]:
    """Return the origins: the address, the names of the local host, and Django's hosts.

    Args:
        address: to which Django is bound. For all addresses, the names of this machine count.
        port: of Django.
    """
    served = _own_names() if address in _EVERY_ADDRESS else [address]
    allowed = hosts_of_site() if settings.ALLOWED_HOSTS else _HOSTS_IN_DEBUG
    hosts = dict.fromkeys(map(_bracketed, [*TWINS, *served, *allowed]))
    return [*(f"http://{host}:{port}" for host in hosts), *trusted_origins()]


def page_origin(address: str, port: int) -> str:
    """Return one origin under which a browser on this machine opens the pages."""
    local = {"::": "::1"}.get(address, "127.0.0.1")
    return f"http://{_bracketed(local if address in _EVERY_ADDRESS else address)}:{port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host.lower()


def _own_names() -> list[str]:
    return [name for name in (socket.gethostname(), _own_address()) if name]


def _own_address() -> str:
    """Return the address from which this machine reaches other networks; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # RFC 5737: an address for documentation
        except OSError:
            return ""
        return str(sock.getsockname()[0])
