"""Reading sessions: one pipelined read for all that ask in the same moment.

Strategy: connects come in storms. Whoever asks while a read is under way waits for the next
one, which then takes all that wait, so the batch grows with the load by itself.
"""

import asyncio
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ..authenticator import Claim, Login
from ..errors import BrokerUnavailable
from ..wire.names import Names
from ..wire.records import SESSION_FIELDS, USER_FIELDS, read_session, read_user

MAX_BATCH = 256

_NO_USER: list[bytes | None] = [None] * len(USER_FIELDS)


class RedisSessionReader:
    """Read sessions and users from Redis.

    Args:
        client: for short commands.
        names: of this deployment.
    """

    def __init__(self, client: Redis, names: Names) -> None:
        self._client = client
        self._names = names
        self._waiting: list[tuple[Claim, asyncio.Future[Login]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def read(self, sid: str, uid: str | None) -> Login:
        """Read a session and a user, together with whoever else asks now.

        Raises:
            BrokerUnavailable: Redis cannot be asked now.
        """
        answer: asyncio.Future[Login] = asyncio.get_running_loop().create_future()
        self._waiting.append(((sid, uid), answer))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_waiting())
        return await answer

    async def read_many(self, claims: Sequence[Claim]) -> list[Login]:
        """Read several at once, in one round trip; raises as ``read`` does."""
        pipeline = self._client.pipeline(transaction=False)
        for sid, uid in claims:
            pipeline.hmget(self._names.session(sid), SESSION_FIELDS)
            pipeline.pttl(self._names.session(sid))
            if uid is not None:
                pipeline.hmget(self._names.user(uid), USER_FIELDS)
        try:
            replies = iter(await pipeline.execute())
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(type(error).__name__) from error
        return [
            _login(next(replies), next(replies), _NO_USER if uid is None else next(replies))
            for _, uid in claims
        ]

    async def _read_waiting(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                await self._answer(batch)
        finally:
            self._reading = None

    async def _answer(self, batch: list[tuple[Claim, "asyncio.Future[Login]"]]) -> None:
        try:
            logins = await self.read_many([claim for claim, _ in batch])
        except Exception as error:  # noqa: BLE001 -- whoever asked must hear of it
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), login in zip(batch, logins, strict=True):
            if not answer.done():
                answer.set_result(login)


def _login(session: list[bytes | None], pttl_ms: int, user: list[bytes | None]) -> Login:
    return Login(
        read_session(dict(zip(SESSION_FIELDS, session, strict=True))),
        read_user(dict(zip(USER_FIELDS, user, strict=True))),
        pttl_ms / 1000 if pttl_ms >= 0 else None,
    )
