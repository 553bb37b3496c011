"""The settings of a site, and what the gateway must share with them."""

from .settings import (
    DEFAULT_GATEWAY_URL,
    KEYS,
    Problem,
    Settings,
    current,
    forget,
    gateway_url_at,
    gateway_url_for,
    problems,
    read,
)

__all__ = [
    "DEFAULT_GATEWAY_URL",
    "KEYS",
    "Problem",
    "Settings",
    "current",
    "forget",
    "gateway_url_at",
    "gateway_url_for",
    "problems",
    "read",
]
