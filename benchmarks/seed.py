"""Logins in bulk: sessions, user records and tokens, as Django would have written them."""

from pathlib import Path

import redis
from sockgate_gateway.wire.names import Names, auth_digest, sid_of
from sockgate_gateway.wire.namespaces import Namespaces, Policy
from sockgate_gateway.wire.records import SessionRecord, UserRecord
from sockgate_gateway.wire.tokens import Token, TokenSigner

SIGNING_KEY = "only-for-benchmarks-on-the-loopback-"
SESSION_AGE_S = 24 * 3600
BATCH = 1000
NAMESPACES = Namespaces(
    {
        "plain": Policy(public=True),
        "counted": Policy(public=True, presence=True),
        "join_leave": Policy(public=True, presence=True, join_leave=True),
    }
)
"""Namespaces of public channels: plain, with presence, and with join and leave notices."""


def seed(redis_url: str, count: int, tokens_path: Path) -> None:
    """Log in users ``0`` to ``count - 1``, each once, and write a token a line.

    Declares ``NAMESPACES``, too.
    """
    signer = TokenSigner([SIGNING_KEY])
    with redis.Redis.from_url(redis_url) as client, tokens_path.open("w") as tokens:
        client.set(Names().namespaces, NAMESPACES.to_json())
        for first in range(0, count, BATCH):
            users = range(first, min(first + BATCH, count))
            _write_records(client, users)
            tokens.writelines(f"{signer.issue(_token(user))}\n" for user in users)


def _write_records(client: "redis.Redis", users: range) -> None:
    names = Names()
    with client.pipeline(transaction=False) as pipe:
        for user in users:
            uid, auth = str(user), auth_digest(f"password of {user}")
            session_key = names.session(_token(user).sid)
            pipe.hset(session_key, mapping=SessionRecord(uid, auth).to_hash())
            pipe.expire(session_key, SESSION_AGE_S)
            pipe.hset(names.user(uid), mapping=UserRecord(auth).to_hash())
            pipe.expire(names.user(uid), SESSION_AGE_S)
        pipe.execute()


def _token(user: int) -> Token:
    return Token(sid_of(f"session key of {user}"), str(user))
