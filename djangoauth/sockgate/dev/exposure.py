"""A warning for a site that other machines reach, and whose ``SECRET_KEY`` may be public."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from django.conf import settings

_WRITTEN_BY_STARTPROJECT = "django-insecure-"


def warning_of(address: str, raw: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Return the warning; empty: the signing keys are set, secret, or of this machine alone.

    Args:
        address: to which Django is bound.
        raw: the setting ``SOCKGATE``.
        environ: the environment variables.
    """
    are_keys_set = "SIGNING_KEYS" in raw or environ.get("SOCKGATE_SIGNING_KEYS")
    if are_keys_set or _is_loopback(address) or not _may_be_public(settings.SECRET_KEY):
        return ""
    return (
        f"SECRET_KEY begins with {_WRITTEN_BY_STARTPROJECT}, and other machines can reach "
        f"{address or 'this address'}. The signing keys are derived from SECRET_KEY. If it was "
        "ever published, as in the repository of a tutorial, anybody can sign tokens and grants. "
        'Set a SECRET_KEY of your own, or SOCKGATE["SIGNING_KEYS"].'
    )


def _may_be_public(secret: str | bytes) -> bool:
    text = secret.decode(errors="replace") if isinstance(secret, bytes) else secret
    return text.startswith(_WRITTEN_BY_STARTPROJECT)


def _is_loopback(address: str) -> bool:
    if address == "localhost" or address.endswith(".localhost"):
        return True
    try:
        return ip_address(address.strip("[]")).is_loopback
    except ValueError:  # A name, or 0 for all addresses.
        return False
