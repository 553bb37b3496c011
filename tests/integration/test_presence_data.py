"""Presence with data: what Django says about users, and what pages say about themselves."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from sockgate_gateway.channels.page_data import MAX_PAGES
from sockgate_gateway.wire.control import RevokeSession, UserDataChanged
from sockgate_gateway.wire.limits import MAX_DATA_BYTES
from sockgate_gateway.wire.namespaces import read_namespaces
from sockgate_gateway.wire.presence import (
    MAX_REPLY_BYTES,
    MAX_REPLY_USERS,
    USER_DATA,
    page_data_key,
)
from sockgate_gateway.wire.tenants import in_tenant

from tests.integration.gatewayprocess import NAMES, Django, Gateway, receive_frame
from tests.integration.requests import grant, receive_type, request, subscribe
from tests.integration.test_presence import hasten_death
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

NAMESPACES = {
    "room": {"presence": True, "join_leave": True, "presence_data": "subscribers"},
    "desk": {"presence": True, "join_leave": True, "presence_data": "server"},
    "hall": {"presence": True, "presence_data": "subscribers"},
    "plain": {"presence": True, "join_leave": True},
}
ROOM, DESK, PLAIN = "room:7", "desk:7", "plain:7"
ALICE, BOB = {"name": "Alice"}, {"name": "Bob"}


@pytest.fixture(scope="module")
def gateways(redis_server, tmp_path_factory) -> Iterator[list[Gateway]]:
    """Two nodes of one deployment."""
    folder = tmp_path_factory.mktemp("gateways")
    started = [
        Gateway(
            redis_server.connection_url,
            folder / f"log{n}",
            namespaces=read_namespaces(json.dumps(NAMESPACES)).to_json().decode(),
            max_frames_per_second=1000,
        ).start()
        for n in range(2)
    ]
    yield started
    for gateway in started:
        gateway.stop()


@pytest.fixture
def gateway(gateways, django) -> Gateway:
    """The first of them, once both are in Redis again, which was emptied."""
    names = {gateway.worker.encode() for gateway in gateways}
    wait_until(lambda: names <= django.redis.smembers(NAMES.workers))
    return gateways[0]


def log_in(django: Django, sid: str, uid: str, data: object = None) -> str:
    """Log a user in whom Django says something about."""
    token = django.log_in(sid, uid)
    if data is not None:
        django.redis.hset(NAMES.user(uid), USER_DATA, json.dumps(data))
    return token


def raw_frame(*members: str) -> str:
    """Return a frame with these members as they are."""
    return "{" + ",".join(['"type":"set_presence"', f'"channel":"{ROOM}"', *members]) + "}"


async def show(browser, channel: str, data: object) -> dict:
    """Set data as compactly as browsers do."""
    frame = {"type": "set_presence", "id": "request", "channel": channel, "data": data}
    await browser.send(json.dumps(frame, separators=(",", ":")))
    while (answer := await receive_frame(browser)).get("reply_to") != "request":
        pass
    return answer


async def until_presence(browser, channel: str, **wanted: object) -> dict:
    """Request the presence until it has these members."""
    async with asyncio.timeout(30):
        while True:
            answer = await request(browser, "presence", channel=channel)
            if wanted.items() <= answer.items():
                return answer
            await asyncio.sleep(0.02)  # Poll: another worker writes with a delay.


async def test_presence_and_join_have_the_data_of_django(gateways, gateway, django):
    alice, bob = log_in(django, "a", "1", ALICE), log_in(django, "b", "2", BOB)
    async with gateway.welcomed(alice) as member, gateways[1].welcomed(bob) as other:
        await subscribe(member, DESK, "a")
        join = await receive_type(member, "join")
        assert join == {"type": "join", "channel": DESK, "user": "1", "data": ALICE}
        await subscribe(other, DESK, "b")
        assert (await receive_type(member, "join"))["data"] == BOB
        answer = await until_presence(member, DESK, users={"1": 1, "2": 1})
        assert answer["data"] == {"1": ALICE, "2": BOB}
        assert answer["page_data"] == {}
        assert "data_truncated" not in answer


async def test_namespace_without_data_has_none(gateway, django):
    async with gateway.welcomed(log_in(django, "a", "1", ALICE)) as member:
        await subscribe(member, PLAIN, "a")
        join = await receive_type(member, "join")
        assert join == {"type": "join", "channel": PLAIN, "user": "1"}
        answer = await until_presence(member, PLAIN, users={"1": 1})
        assert answer.keys() & {"data", "page_data"} == set()
        refused = await show(member, PLAIN, {})
        assert (refused["code"], refused["channel"]) == ("not_allowed", PLAIN)


async def test_changed_data_of_django_is_sent(gateways, gateway, django):
    alice, bob = log_in(django, "a", "1", ALICE), log_in(django, "b", "2")
    async with gateways[1].welcomed(alice) as changed, gateway.welcomed(bob) as member:
        await subscribe(member, DESK, "b")
        await subscribe(changed, DESK, "a")
        while (await receive_type(member, "join"))["user"] != "1":
            pass
        django.redis.hset(NAMES.user("1"), USER_DATA, '{"name":"Alice L."}')
        django.publish_control(UserDataChanged("1"))
        notice = await receive_type(member, "presence_changed")
        wanted = {"type": "presence_changed", "channel": DESK, "user": "1"}
        assert notice == {**wanted, "data": {"name": "Alice L."}}
        django.redis.hset(NAMES.user("1"), USER_DATA, "null")
        django.publish_control(UserDataChanged("1"))
        assert await receive_type(member, "presence_changed") == {**wanted, "data": None}


async def test_page_shows_data_until_it_unsubscribes(gateways, gateway, django):
    alice, bob = log_in(django, "a", "1"), log_in(django, "b", "2")
    async with (
        gateway.welcomed(alice) as first,
        gateways[1].welcomed(alice) as second,
        gateways[1].welcomed(bob) as member,
    ):
        for browser, sid in ((member, "b"), (first, "a"), (second, "a")):
            await subscribe(browser, ROOM, sid)
        await until_presence(member, ROOM, users={"1": 2, "2": 1})
        title, text = {"editing": "title"}, {"editing": "text"}
        answer = await show(first, ROOM, title)
        assert answer["type"] == "presence_set"
        notice = await receive_type(member, "presence_changed")
        assert notice["user"] == "1"
        assert notice["page_data"] == [title]
        assert "data" not in notice
        await show(second, ROOM, text)
        notice = await receive_type(member, "presence_changed")
        assert sorted(map(str, notice["page_data"])) == sorted(map(str, [title, text]))
        answer = await until_presence(member, ROOM, users={"1": 2, "2": 1})
        assert sorted(map(str, answer["page_data"]["1"])) == sorted(map(str, [title, text]))
        await request(first, "unsubscribe", channel=ROOM)
        assert (await receive_type(member, "presence_changed"))["page_data"] == [text]
        await show(second, ROOM, None)
        assert (await receive_type(member, "presence_changed"))["page_data"] == []
        await until_presence(member, ROOM, page_data={})
        await show(second, ROOM, text)
        await second.close()
        assert (await receive_type(member, "leave"))["user"] == "1"
        await until_presence(member, ROOM, users={"2": 1}, page_data={})
        keys = [page_data_key(NAMES, ROOM, one.worker) for one in gateways]
        wait_until(lambda: not django.redis.exists(*keys))


async def test_data_in_a_namespace_without_notices_is_in_the_presence(gateways, gateway, django):
    alice, bob = log_in(django, "a", "1"), log_in(django, "b", "2")
    async with gateway.welcomed(alice) as one, gateways[1].welcomed(bob) as two:
        await subscribe(one, "hall:7", "a")
        await subscribe(two, "hall:7", "b")
        await show(one, "hall:7", {"x": 1})
        await until_presence(two, "hall:7", page_data={"1": [{"x": 1}]})


async def test_data_of_a_killed_worker_disappears(gateway, django, redis_server, tmp_path):
    doomed = Gateway(
        redis_server.connection_url, tmp_path / "log", namespaces=json.dumps(NAMESPACES)
    ).start()
    alice, bob = log_in(django, "a", "1"), log_in(django, "b", "2")
    async with gateway.welcomed(bob) as member, gateway.welcomed(alice) as stays:
        await subscribe(member, ROOM, "b")
        await subscribe(stays, ROOM, "a")
        async with doomed.welcomed(alice) as browser:
            await subscribe(browser, ROOM, "a")
            await show(browser, ROOM, {"x": 1})
            assert (await receive_type(member, "presence_changed"))["page_data"] == [{"x": 1}]
            await until_presence(member, ROOM, users={"1": 2, "2": 1})
            doomed.process.kill()
            doomed.process.wait()
        hasten_death(django)
        assert (await receive_type(member, "presence_changed"))["page_data"] == []
        await until_presence(member, ROOM, users={"1": 1, "2": 1}, page_data={})


async def test_data_is_written_again_after_redis_lost_it(gateway, gateways, django):
    alice, bob = log_in(django, "a", "1"), log_in(django, "b", "2")
    async with gateway.welcomed(alice) as one, gateways[1].welcomed(bob) as two:
        await subscribe(one, ROOM, "a")
        await subscribe(two, ROOM, "b")
        await show(one, ROOM, {"x": 1})
        await until_presence(two, ROOM, page_data={"1": [{"x": 1}]})
        kept = {key: django.redis.dump(key) for key in django.redis.scan_iter("sockgate:[su]*")}
        django.redis.flushall()
        for key, record in kept.items():
            django.redis.restore(key, 100_000, record)
        await until_presence(two, ROOM, users={"1": 1, "2": 1}, page_data={"1": [{"x": 1}]})


def padded(size: int) -> dict[str, str]:
    """Return data of so many bytes."""
    return {"x": "y" * (size - len('{"x":""}'))}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (padded(MAX_DATA_BYTES + 1), "bad_data"),
        ([], "bad_data"),
        ("text", "bad_data"),
        (7, "bad_data"),
        (True, "bad_data"),
        ({"x": "é" * 600}, "bad_data"),
    ],
)
async def test_bad_data_is_rejected_and_changes_nothing(gateway, django, data, code):
    async with gateway.welcomed(log_in(django, "a", "1")) as browser:
        await subscribe(browser, ROOM, "a")
        good = padded(MAX_DATA_BYTES)
        assert (await show(browser, ROOM, good))["type"] == "presence_set"
        raw = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        await browser.send(raw_frame('"id":9', f'"data":{raw}'))
        assert (await receive_type(browser, "error"))["code"] == code
        answer = await request(browser, "presence", channel=ROOM)
        assert answer["page_data"] == {"1": [good]}


async def test_deep_data_and_lone_surrogates_reach_others_as_json(gateway, gateways, django):
    alice, bob = log_in(django, "a", "1"), log_in(django, "b", "2")
    async with gateway.welcomed(alice) as one, gateways[1].welcomed(bob) as two:
        await subscribe(one, ROOM, "a")
        await subscribe(two, ROOM, "b")
        deep = '{"x":' + "[" * 500 + "]" * 500 + "}"
        for raw in (deep, '{"x":"\\ud800"}', '{"x":"\\u0000</script>"}'):
            await one.send(raw_frame('"id":1', f'"data":{raw}'))
            assert (await receive_type(one, "presence_set"))["reply_to"] == 1
            notice = await receive_type(two, "presence_changed")
            shown = json.dumps(notice["page_data"][0], separators=(",", ":"))
            assert shown == raw.replace("\\ud800", "\\ufffd")


@pytest.mark.parametrize("member", ['"data":[1', '"data":{"x":NaN}', '"data":', '"x":1'])
async def test_frame_that_is_none_closes_the_connection(gateway, django, member):
    async with gateway.welcomed(log_in(django, "a", "1")) as browser:
        await browser.send(raw_frame(member))
        await browser.wait_closed()
        assert browser.close_code == 4501


async def test_data_needs_a_subscription_a_user_and_the_policy(gateway, django):
    async with (
        gateway.welcomed(log_in(django, "a", "1")) as alice,
        gateway.welcomed(log_in(django, "s", "")) as visitor,
    ):
        await subscribe(visitor, ROOM, "s")
        await subscribe(alice, DESK, "a")
        assert (await show(visitor, ROOM, {}))["code"] == "not_allowed"
        assert (await show(alice, ROOM, {}))["code"] == "not_allowed"
        assert (await show(alice, DESK, {}))["code"] == "not_allowed"
        assert (await show(alice, "user:1", {}))["code"] == "not_allowed"


async def test_pages_of_a_user_on_a_channel_are_limited(gateway, django):
    token = log_in(django, "a", "1")
    async with asyncio.TaskGroup() as group:
        browsers = []
        for _ in range(MAX_PAGES + 1):
            manager = gateway.welcomed(token)
            browsers.append((manager, await manager.__aenter__()))
        try:
            for _, browser in browsers:
                await subscribe(browser, ROOM, "a")
            for _, browser in browsers[:-1]:
                assert (await show(browser, ROOM, {"x": 1}))["type"] == "presence_set"
            last = browsers[-1][1]
            assert (await show(last, ROOM, {"x": 1}))["code"] == "too_many"
            await show(browsers[0][1], ROOM, None)
            assert (await show(last, ROOM, {"x": 1}))["type"] == "presence_set"
        finally:
            for manager, _ in browsers:
                group.create_task(manager.__aexit__(None, None, None))


async def test_flood_of_data_is_limited_as_publications_are(redis_server, django, tmp_path):
    gateway = Gateway(
        redis_server.connection_url,
        tmp_path / "log",
        namespaces=json.dumps(NAMESPACES),
        max_frames_per_second=10,
    ).start()
    try:
        token = log_in(django, "a", "1")
        async with gateway.welcomed(token) as one, gateway.welcomed(token) as two:
            codes = []
            for browser in (one, two):
                await subscribe(browser, ROOM, "a")
                for _ in range(7):
                    answer = await show(browser, ROOM, {"x": 1})
                    codes.append(answer.get("code"))
            assert codes[:7] == [None] * 7
            assert "too_many" in codes[7:]
    finally:
        gateway.stop()


async def test_presence_reply_has_bounded_data(gateway, django):
    """More users, and more data, than fit."""
    crowd = [str(number) for number in range(100, 100 + MAX_REPLY_USERS + 44)]
    with django.redis.pipeline() as pipe:
        pipe.sadd(NAMES.workers, "other")
        pipe.set(NAMES.worker("other"), 1)
        pipe.hset(NAMES.presence(ROOM, "other"), mapping=dict.fromkeys(crowd, 1))
        for uid in crowd:
            pipe.hset(NAMES.user(uid), USER_DATA, json.dumps(padded(900)))
        pipe.execute()
    async with gateway.welcomed(log_in(django, "a", "1", ALICE)) as browser:
        await subscribe(browser, ROOM, "a")
        answer = await request(browser, "presence", channel=ROOM)
        assert len(answer["users"]) == len(crowd) + 1
        assert answer["data_truncated"] is True
        assert answer["data"]["1"] == ALICE
        sizes = sum(len(json.dumps(one)) for one in answer["data"].values())
        assert MAX_REPLY_BYTES / 2 < sizes <= MAX_REPLY_BYTES * 1.1
        with django.redis.pipeline() as pipe:
            for uid in crowd:
                pipe.hset(NAMES.user(uid), USER_DATA, "{}")
            pipe.execute()
        answer = await request(browser, "presence", channel=ROOM)
        assert len(answer["data"]) == MAX_REPLY_USERS
        assert answer["data_truncated"] is True


@pytest.mark.parametrize("raw", ["[]", "{", "", '{"x":"' + "y" * 2000 + '"}', b"\xff", "7"])
async def test_malformed_data_in_redis_is_left_out(gateway, django, raw):
    token = log_in(django, "a", "1")
    django.redis.hset(NAMES.user("1"), USER_DATA, raw)
    django.redis.sadd(NAMES.workers, "other")
    django.redis.set(NAMES.worker("other"), 1)
    django.redis.hset(page_data_key(NAMES, ROOM, "other"), "1", raw)
    async with gateway.welcomed(token) as browser:
        await subscribe(browser, ROOM, "a")
        assert "data" not in await receive_type(browser, "join")
        answer = await request(browser, "presence", channel=ROOM)
        assert answer["data"] == answer["page_data"] == {}


async def test_tenants_do_not_see_the_data_of_others(gateway, django):
    rooms = {}
    for tenant in ("acme", "corp"):
        uid, sid = in_tenant(tenant, "1"), in_tenant(tenant, "s")
        rooms[tenant] = log_in(django, sid, uid, {"of": tenant})
    async with gateway.welcomed(rooms["acme"]) as acme, gateway.welcomed(rooms["corp"]) as corp:
        for browser, tenant in ((acme, "acme"), (corp, "corp")):
            permit = grant(in_tenant(tenant, ROOM), in_tenant(tenant, "s"))
            await request(browser, "subscribe", channel=ROOM, grant=permit)
        await show(acme, ROOM, {"x": "acme"})
        answer = await request(corp, "presence", channel=ROOM)
        assert answer["data"] == {"1": {"of": "corp"}}
        assert answer["page_data"] == {}
        answer = await request(acme, "presence", channel=ROOM)
        assert answer["page_data"] == {"1": [{"x": "acme"}]}


async def test_data_ends_with_the_session(gateway, django):
    async with gateway.welcomed(log_in(django, "a", "1")) as browser:
        await subscribe(browser, ROOM, "a")
        await show(browser, ROOM, {"x": 1})
        key = page_data_key(NAMES, ROOM, gateway.worker)
        wait_until(lambda: django.redis.hget(key, "1") == b'{"x":1}')
        django.redis.delete(NAMES.session("a"))
        django.publish_control(RevokeSession("a"))
        await browser.wait_closed()
        wait_until(lambda: not django.redis.exists(key))
