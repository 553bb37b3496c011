"""The record of a progress in Redis, under the user and the id of the work.

Strategy: the record is for pages that open late, reload or reconnect; publications are for open
pages. Each run of the work has a number from Redis, and each report of a run a number of its own.
Pages compare both, so that an older report never replaces a newer one. How old a report is, Redis
says by the rest of the record's time to live: no clocks are compared.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from uuid import uuid4

from ... import conf
from ...redis_clients import pools
from ...tenants import qualify

EVENT = "sockgate-progress"
MAX_MESSAGE_LENGTH = 500
MAX_IDS = 50
"""Of one request."""

_ID = re.compile(r"[A-Za-z0-9_.:@-]{1,100}")

STATES = frozenset({"running", "retrying", "done", "failed"})


class Report(NamedTuple):
    """What a progress shows at one moment.

    Args:
        run: the number of the run, which Redis counts.
        n: the number of the report in its run.
        state: one of ``STATES``.
        done: how much is done.
        total: how much there is; None: unknown.
        message: for the user; may be empty.
        attempt: 1 for the first try.
        stalled_after_s: the time without news after which the work counts as stalled.
    """

    run: int
    n: int
    state: str
    done: float
    total: float | None
    message: str
    attempt: int
    stalled_after_s: float

    def fields(self, progress_id: str) -> dict[str, Any]:
        """Return the JSON form for pages."""
        values = self._asdict()
        stalled_after_s = values.pop("stalled_after_s")
        return {"id": progress_id, **values, "stalled_after": stalled_after_s}


def shortened(message: Any) -> str:
    """Return a message for the user, cut where it is too long."""
    text = str(message)
    return text if len(text) <= MAX_MESSAGE_LENGTH else f"{text[: MAX_MESSAGE_LENGTH - 1]}…"


def new_id() -> str:
    """Return an id that cannot be guessed."""
    return uuid4().hex


def check_id(progress_id: Any) -> str:
    """Return the id unchanged.

    Raises:
        ValueError: it is not a string of 1 to 100 letters, digits and ``_ . : @ -``.
    """
    if not is_id(progress_id):
        raise ValueError(
            f"a progress needs an id of 1 to 100 letters, digits and _ . : @ -, not "
            f"{str(progress_id)[:120]!r}"
        )
    return str(progress_id)


def is_id(progress_id: object) -> bool:
    """Check for the form of an id."""
    return isinstance(progress_id, str) and bool(_ID.fullmatch(progress_id))


def key_of(uid: str, progress_id: str) -> str:
    """Name the record; ``uid`` is of the current tenant, as ``uid_of`` gives it.

    No id has a ``/``, so no two users share a name, whatever their primary keys contain.
    """
    return f"{conf.current().key_prefix}progress:{progress_id}/{qualify(uid)}"


def read(uid: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Read the progress of works of a user, each with ``age``, the seconds since its last report.

    Raises:
        redis.RedisError: Redis fails or does not answer.
    """
    wanted = [one for one in dict.fromkeys(ids) if is_id(one)][:MAX_IDS]
    if not wanted:
        return {}
    with pools.records().pipeline(transaction=False) as pipe:
        for progress_id in wanted:
            key = key_of(uid, progress_id)
            pipe.hmget(key, "report", "ttl")
            pipe.pttl(key)
        replies: list[Any] = pipe.execute()
    triples = zip(wanted, replies[::2], replies[1::2], strict=True)
    found = ((one, _read_one(fields[0], fields[1], left_ms)) for one, fields, left_ms in triples)
    return {progress_id: report for progress_id, report in found if report is not None}


def _read_one(report: Any, ttl: Any, left_ms: int) -> dict[str, Any] | None:
    if report is None or ttl is None or left_ms < 0:
        return None
    fields = json.loads(report)
    if not isinstance(fields, Mapping):
        return None
    return {**fields, "age": max(float(ttl) - left_ms / 1000, 0.0)}


def queue_start(pipe: Any, key: str, ttl_s: int) -> None:
    """Queue the commands that begin a run; the first reply is its number."""
    pipe.hincrby(key, "run", 1)
    pipe.expire(key, ttl_s)


def queue_report(pipe: Any, key: str, fields: Mapping[str, Any], ttl_s: int) -> None:
    """Queue the commands that write a report."""
    pipe.hset(key, mapping={"report": json.dumps(fields), "ttl": ttl_s})
    pipe.expire(key, ttl_s)
