"""Changes of users that did not reach Redis: said, and brought up to date later.

Strategy: the change is in the database already, so a failure of Redis cannot undo it. In production
it raises, with a text that says what is saved and what to run: open connections keep the former
rights meanwhile. In DEBUG it is noted in the folder ``.sockgate``, logged once, and the next
``runserver`` forgets the records. The next token writes each of them again from the database.
"""

import logging
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from django.conf import settings
from sockgate_gateway.wire.names import of_tenant

from .. import conf
from ..conf.defaults import debug_defaults, embedded_valkey
from ..redis_clients import pools, redis_errors

log = logging.getLogger("sockgate")

NOTE_FILE = "outdated"
PAUSE_S = 5.0
"""In DEBUG, how long Redis is not tried again: ``loaddata`` may save thousands of users."""

LOG_INTERVAL_S = 60.0

HINT = (
    "Their open connections and grants keep what they had. When Redis answers, run manage.py "
    "sockgate_sync --users."
)

_SHOWN = 5
_BATCH = 500

_paused_until = float("-inf")
_next_line_at = float("-inf")


def write(what: str, act: Callable[[], Any]) -> None:
    """Write a saved change to Redis.

    Args:
        what: was saved, as the beginning of a sentence.
        act: writes to Redis.

    Raises:
        redis.RedisError: Redis fails, and the site is in production.
    """
    if is_paused():
        return
    try:
        act()
    except redis_errors.RedisError as error:
        if not note(what, error):
            error.args = (f"{saved(what, error)} {HINT}",)
            raise


def note(what: str, error: Exception) -> bool:
    """In DEBUG, note for the next ``runserver`` what did not reach Redis; False: it cannot."""
    global _paused_until, _next_line_at
    if not settings.DEBUG:
        return False
    folder = debug_defaults.state_folder()
    try:
        embedded_valkey.make_folder(folder)
        (folder / NOTE_FILE).touch(mode=0o600)
    except OSError:
        return False
    now = monotonic()
    _paused_until = now + PAUSE_S
    if now >= _next_line_at:
        _next_line_at = now + LOG_INTERVAL_S
        log.warning("%s The next runserver brings all records up to date.", saved(what, error))
    return True


def is_paused() -> bool:
    """Return whether Redis has just failed in DEBUG, so that it is not tried again yet."""
    return settings.DEBUG and monotonic() < _paused_until


def forget_outdated(*, are_sessions_mirrored: bool) -> bool:
    """Delete the records that the note is about, and the note; return whether there was one.

    Args:
        are_sessions_mirrored: the sessions are rows, whose records may be outdated, too.

    Raises:
        redis.RedisError: Redis fails; the note stays.
    """
    global _paused_until
    path = debug_defaults.state_folder() / NOTE_FILE
    if not path.exists():
        return False
    path.unlink(missing_ok=True)
    try:
        _forget("user:", *(("session:",) if are_sessions_mirrored else ()))
    except redis_errors.RedisError:
        path.touch(mode=0o600)
        raise
    _paused_until = float("-inf")
    return True


def listed(pks: Iterable[Any]) -> str:
    """Name users for ``write``, the first ones by their primary keys."""
    first = [*pks]
    shown = ", ".join(map(str, first[:_SHOWN]))
    rest = f" and {len(first) - _SHOWN} more" if len(first) > _SHOWN else ""
    return f"The change of the user(s) {shown}{rest} is"


def saved(what: str, error: Exception) -> str:
    """Say that a change is saved, and that Redis does not know it."""
    from sockgate_gateway.redis_servers.errors import cause_of  # It imports redis-py.

    return f"{what} saved in the database, but did not reach Redis: {cause_of(error)}."


def _forget(*kinds: str) -> None:
    names = conf.current().names
    client: Any = pools.records()
    for kind in kinds:
        for prefix in (names.key_prefix, of_tenant(names.key_prefix, "*")):
            for key in client.scan_iter(f"{prefix}{kind}*", count=_BATCH):
                client.delete(key)
