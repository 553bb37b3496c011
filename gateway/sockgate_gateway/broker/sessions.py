"""Reading sessions, many in one round trip.

Strategy: connects come in storms, so sessions are read in batches (see ``loop.batching``). A batch
is one script call: a pipeline of three commands for each login costs the client four times as much.
"""

from collections.abc import Sequence
from importlib.resources import files
from time import time
from typing import Any

from ..connections.connection import Claim
from ..loop.batching import BatchedCalls
from ..sessions.authenticator import Login
from ..wire.names import Names
from ..wire.records import USER_MARGIN_S, read_session, read_user
from .pipelines import execute_each
from .scripts import BatchScript, ScriptRequest
from .servers.single import Servers

_MAX_AGE_DIGITS = 12
_READ_LOGINS = files(__package__).joinpath("logins.lua").read_text("utf-8")


class RedisSessionReader:
    """Read sessions and users from Redis.

    Args:
        servers: hold the sessions.
        names: of this deployment.
    """

    def __init__(self, servers: Servers, names: Names) -> None:
        self._client = servers.client
        self._is_sharded = servers.is_sharded
        self._names = names
        self._logins = BatchScript(servers, _READ_LOGINS)
        self._calls: BatchedCalls[Claim, Login] = BatchedCalls(self.read_many)

    async def read(self, sid: str, uid: str | None) -> Login:
        """Read a session and a user, together with all others that are asked for now.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        return await self._calls.call((sid, uid))

    async def read_many(self, claims: Sequence[Claim]) -> list[Login]:
        """Read several at once, in one round trip; raises as ``read`` does."""
        pairs = [self._keys(sid, uid) for sid, uid in claims]
        if self._is_sharded:
            return await self._read_separately(pairs)
        return [_login(*reply) for reply in await self._logins.run([(pair, ()) for pair in pairs])]

    async def _read_separately(self, pairs: Sequence[tuple[str, str]]) -> list[Login]:
        """Read each session and each user by itself, as their keys are in different slots."""
        requests: list[ScriptRequest] = []
        for session, user in pairs:
            requests += (((session, session), ()), ((user, user), ()))
        replies = await self._logins.run(requests)
        found = zip(replies[::2], replies[1::2], strict=True)
        from_session = 4
        return [_login(*session[:from_session], *user[from_session:]) for session, user in found]

    def _keys(self, sid: str, uid: str | None) -> tuple[str, str]:
        session = self._names.session(sid)
        return session, session if uid is None else self._names.user(uid)

    async def prolong(self, claims: Sequence[Claim]) -> None:
        """Renew the expiry of sessions of the native engine, and of the keys that belong to them.

        Only a record with an ``age`` is prolonged, and none is ever shortened.

        Raises:
            BrokerUnavailable: Redis cannot be used now.
        """
        reading = self._client.pipeline(transaction=False)
        for sid, _ in claims:
            reading.hget(self._names.session(sid), "age")
        ages = await execute_each(reading)
        prolonging = self._client.pipeline(transaction=False)
        for (sid, uid), age_s in zip(claims, map(_age_s, ages), strict=True):
            if age_s:
                self._queue_prolonging(prolonging, sid, uid, age_s)
        await execute_each(prolonging)

    def _queue_prolonging(self, pipeline: Any, sid: str, uid: str | None, age_s: int) -> None:
        pipeline.expire(self._names.session(sid), age_s, gt=True)
        if uid is not None:
            listing = self._names.user_sessions(uid)
            pipeline.expire(self._names.user(uid), age_s + USER_MARGIN_S, gt=True)
            pipeline.zadd(listing, {sid: time() + age_s}, xx=True, gt=True)
            pipeline.expire(listing, age_s + USER_MARGIN_S, gt=True)


def _age_s(reply: object) -> int:
    """Read an age; one that was made by hand counts as 0 if not a number, or with too many digits.

    ``EXPIRE`` rejects numbers that are too long.
    """
    text = reply if isinstance(reply, bytes) else b""
    return int(text) if text.isdigit() and len(text) < _MAX_AGE_DIGITS else 0


def _login(
    user: bytes | None,
    auth: bytes | None,
    moved: bytes | None,
    pttl_ms: int,
    user_auth: bytes | None,
    channels: bytes | None,
    rights: bytes | None,
) -> Login:
    return Login(
        read_session({"user": user, "auth": auth}),
        read_user({"auth": user_auth, "channels": channels, "rights": rights}),
        pttl_ms / 1000 if pttl_ms >= 0 else None,
        moved.decode(errors="replace") if moved else None,
    )
