"""Reading sessions: one round trip for all that ask in the same moment.

Strategy: connects come in storms, so they are read in batches (see ``batching``). A batch is one
script call: a pipeline of three commands a login costs the client four times as much.
"""

from collections.abc import Sequence
from importlib.resources import files
from time import time
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ..authenticator import Claim, Login
from ..errors import BrokerUnavailable
from ..wire.names import Names
from ..wire.records import USER_MARGIN_S, read_session, read_user
from .batching import Batched
from .pipelines import replies_of

_MAX_AGE_DIGITS = 12
_READ_LOGINS = files(__package__).joinpath("logins.lua").read_text("utf-8")


class RedisSessionReader:
    """Read sessions and users from Redis.

    Args:
        client: for short commands.
        names: of this deployment.
    """

    def __init__(self, client: Redis, names: Names) -> None:
        self._client = client
        self._names = names
        self._read_logins: Any = client.register_script(_READ_LOGINS)
        self._batched: Batched[Claim, Login] = Batched(self.read_many)

    async def read(self, sid: str, uid: str | None) -> Login:
        """Read a session and a user, together with whoever else asks now.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        return await self._batched.read((sid, uid))

    async def read_many(self, claims: Sequence[Claim]) -> list[Login]:
        """Read several at once, in one round trip; raises as ``read`` does."""
        keys: list[str] = []
        for sid, uid in claims:
            session = self._names.session(sid)
            keys += (session, session if uid is None else self._names.user(uid))
        try:
            replies = await self._read_logins(keys=keys)
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(type(error).__name__) from error
        return [_login(*reply) for reply in replies]

    async def prolong(self, claims: Sequence[Claim]) -> None:
        """Let sessions of the native engine, and what belongs to them, live on from now.

        Only a record with an ``age`` is prolonged, and none is ever shortened.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        asking = self._client.pipeline(transaction=False)
        for sid, _ in claims:
            asking.hget(self._names.session(sid), "age")
        ages = await replies_of(asking)
        prolonging = self._client.pipeline(transaction=False)
        for (sid, uid), age_s in zip(claims, map(_age_s, ages), strict=True):
            if age_s:
                self._queue_prolonging(prolonging, sid, uid, age_s)
        await replies_of(prolonging)

    def _queue_prolonging(self, pipeline: Any, sid: str, uid: str | None, age_s: int) -> None:
        pipeline.expire(self._names.session(sid), age_s, gt=True)
        if uid is not None:
            listing = self._names.user_sessions(uid)
            pipeline.expire(self._names.user(uid), age_s + USER_MARGIN_S, gt=True)
            pipeline.zadd(listing, {sid: time() + age_s}, xx=True, gt=True)
            pipeline.expire(listing, age_s + USER_MARGIN_S, gt=True)


def _age_s(reply: object) -> int:
    """Read an age; what was made by hand is none, above all what is too long for ``EXPIRE``."""
    text = reply if isinstance(reply, bytes) else b""
    return int(text) if text.isdigit() and len(text) < _MAX_AGE_DIGITS else 0


def _login(
    user: bytes | None,
    auth: bytes | None,
    pttl_ms: int,
    user_auth: bytes | None,
    channels: bytes | None,
    rights: bytes | None,
) -> Login:
    return Login(
        read_session({"user": user, "auth": auth}),
        read_user({"auth": user_auth, "channels": channels, "rights": rights}),
        pttl_ms / 1000 if pttl_ms >= 0 else None,
    )
