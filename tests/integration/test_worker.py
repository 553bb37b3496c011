"""The gateway as it runs: raw WebSockets against the process, on a real Redis."""

import json
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.control import RevokeSession
from websockets.exceptions import InvalidStatus

from tests.certificates import make_certificate
from tests.integration.gatewayprocess import (
    FRIEND,
    NAMES,
    Gateway,
    environment,
    receive_close,
    receive_frame,
    receive_publication,
    run_to_end,
    show,
)
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.integration

StartGateway = Callable[..., Gateway]
ONE_MIB = 1024 * 1024


@pytest.fixture(scope="module")
def gateway(redis_server, tmp_path_factory) -> Iterator[Gateway]:
    """A gateway as it comes, for tests that leave it as it is."""
    log = tmp_path_factory.mktemp("gateway") / "log"
    gateway = Gateway(redis_server.connection_url, log, release_delay=0.2, max_frame=2048)
    yield gateway.start()
    gateway.stop()


@pytest.fixture
def start(redis_server, tmp_path) -> Iterator[StartGateway]:
    """Start a gateway with options of its own."""
    started: list[Gateway] = []

    def start(**options: object) -> Gateway:
        started.append(Gateway(redis_server.connection_url, tmp_path / "log", **options))
        return started[-1].start()

    yield start
    for gateway in started:
        gateway.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> dict[str, str]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusting(certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate["tls_cert"])


class TestConnecting:
    """From a token to a welcome, and from a publication to the browser."""

    async def test_client_connects_and_receives_its_own_channel(self, gateway, django):
        async with gateway.connect(origin=FRIEND) as browser:
            await show(browser, django.log_in("sid", "7"))
            welcome = await receive_frame(browser)
            assert (welcome["type"], welcome["user"]) == ("connected", "7")
            assert sorted(welcome["channels"]) == ["broadcast", "user:7"]
            assert django.publish("user:8", "for another") == 0
            django.publish("user:7", {"event": "news"})
            django.publish("broadcast", "for all")
            assert await receive_publication(browser) == ("user:7", {"event": "news"})
            assert await receive_publication(browser) == ("broadcast", "for all")

    async def test_visitor_receives_broadcasts(self, gateway, django):
        async with gateway.welcomed(django.log_in("sid", "")) as browser:
            django.publish("broadcast", "for all")
            assert await receive_publication(browser) == ("broadcast", "for all")

    async def test_channel_is_released_after_a_delay(self, gateway, django):
        token = django.log_in("sid", "77")
        async with gateway.welcomed(token):
            async with gateway.welcomed(token):
                assert django.subscribers("user:77") == 1
            assert django.subscribers("user:77") == 1
        await until(lambda: django.subscribers("user:77") == 0)

    async def test_session_that_ends_ends_its_connections(self, gateway, django):
        token, other_token = django.log_in("sid", "7"), django.log_in("other", "8")
        async with (
            gateway.welcomed(token) as one,
            gateway.welcomed(token) as two,
            gateway.welcomed(other_token) as other,
        ):
            django.redis.delete(NAMES.session("sid"))
            django.publish_control(RevokeSession("sid"))
            assert await receive_close(one) == (4500, "session ended")
            assert await receive_close(two) == (4500, "session ended")
            django.publish("user:8", "still here")
            assert await receive_publication(other) == ("user:8", "still here")


class TestRefusing:
    """Refused connects, with and without a token, and their close codes."""

    @pytest.mark.parametrize(
        ("make_token", "code"),
        [
            pytest.param(
                lambda django: django.token("sid", key="k" * 40),
                CloseCode.TOKEN_INVALID,
                id="forged",
            ),
            pytest.param(lambda django: "garbage", CloseCode.TOKEN_INVALID, id="garbage"),
            pytest.param(
                lambda django: django.token("sid", age_s=7200),
                CloseCode.TOKEN_EXPIRED,
                id="expired",
            ),
            pytest.param(
                lambda django: django.token("gone"), CloseCode.SESSION_UNKNOWN, id="session gone"
            ),
            pytest.param(
                lambda django: django.token("sid", "8"), CloseCode.SESSION_UNKNOWN, id="other's sid"
            ),
            pytest.param(
                lambda django: django.token("sid", None), CloseCode.SESSION_UNKNOWN, id="nobody's"
            ),
        ],
    )
    async def test_invalid_token_is_refused(self, gateway, django, make_token, code):
        django.log_in("sid", "7")
        django.log_in("sid-of-another", "8")
        async with gateway.connect() as browser:
            await show(browser, make_token(django))
            assert await receive_close(browser) == (code, code.reason)

    @pytest.mark.parametrize("text", ['{"type":"ping"}', "garbage", "[]", '{"type":"connect"}'])
    async def test_first_frame_must_be_a_connect(self, gateway, text):
        async with gateway.connect() as browser:
            await browser.send(text)
            assert await receive_close(browser) == (4501, "protocol error")

    async def test_second_connect_is_a_breach(self, gateway, django):
        token = django.log_in("sid", "7")
        async with gateway.welcomed(token) as browser:
            await show(browser, token)
            assert await receive_close(browser) == (4501, "protocol error")

    async def test_large_message_is_refused(self, gateway):
        async with gateway.connect() as browser:
            await browser.send("x" * 2049)
            assert await receive_close(browser) == (4502, "message too large")

    @pytest.mark.parametrize("origin", ["https://foe.example", "null", "http://friend.example"])
    async def test_foreign_page_is_refused(self, gateway, origin):
        with pytest.raises(InvalidStatus) as refused:
            await gateway.connect(origin=origin)
        assert refused.value.response.status_code == 403

    async def test_silent_connection_is_closed(self, start):
        gateway = start(connect_timeout=0.2)
        async with gateway.connect() as browser:
            assert await receive_close(browser) == (3005, "no connect frame in time")
        assert gateway.metric("sockgate_connections") == 0


class TestLimits:
    """How many may be here."""

    @pytest.mark.parametrize("limit", ["max_unauthenticated", "max_per_address", "max_connections"])
    async def test_connection_without_a_login_makes_room_for_the_newest(self, start, limit):
        gateway = start(**{limit: 1})
        async with gateway.connect() as first, gateway.connect():
            assert await receive_close(first) == (3002, "too many connections, try again later")

    async def test_full_worker_refuses_until_one_leaves(self, start, django):
        gateway = start(max_connections=1)
        async with gateway.welcomed(django.log_in("sid", "7")):
            with pytest.raises(InvalidStatus) as refused:
                await gateway.connect()
            assert refused.value.response.status_code == 503
        await until(lambda: gateway.metric("sockgate_connections") == 0)
        async with gateway.connect():
            pass

    @pytest.mark.parametrize("limit", ["max_unauthenticated", "max_per_address"])
    async def test_welcomed_clients_are_not_displaced(self, start, django, limit):
        gateway, token = start(**{limit: 1}), django.log_in("sid", "7")
        async with gateway.welcomed(token), gateway.welcomed(token):
            pass

    async def test_user_has_no_more_connections_than_the_limit(self, start, django):
        gateway, token = start(max_per_user=1), django.log_in("sid", "7")
        async with gateway.welcomed(token), gateway.connect() as second:
            await show(second, token)
            assert await receive_close(second) == (4503, "too many connections of this user")
            async with gateway.welcomed(django.log_in("other", "8")):
                pass


class TestSlowConsumer:
    """A client that does not read costs no more than its limit, and no other client."""

    async def test_browser_that_never_reads_is_closed_at_its_limit(self, start, django):
        gateway = start(max_outbox=2 * ONE_MIB)
        token = django.log_in("sid", "7")
        message = "x" * (ONE_MIB - 100)
        async with gateway.welcomed(token) as fast:
            async with gateway.welcomed(token, max_queue=1, close_timeout=1) as slow:
                before = gateway.peak_bytes()
                for number in range(100):
                    django.publish("user:7", message if number else "first")
                    await receive_publication(fast)
                closed = 'sockgate_closed_total{code="3004"}'
                await until(lambda: gateway.metric(closed) == 1)
                assert gateway.peak_bytes() - before < 40 * ONE_MIB
                assert (await receive_publication(slow))[1] == "first"
            django.publish("user:7", "last")
            assert await receive_publication(fast) == ("user:7", "last")

    async def test_client_that_reads_on_receives_the_close_code(self, start, django):
        gateway = start(max_outbox=2 * ONE_MIB)
        token = django.log_in("sid", "7")
        async with gateway.welcomed(token, max_queue=1) as slow:
            closed = 'sockgate_closed_total{code="3004"}'
            while not gateway.metric(closed):
                django.publish("user:7", "x" * (ONE_MIB - 100))
            assert await receive_close(slow) == (3004, "messages were not read in time")


class TestStopping:
    """SIGTERM: no more, come back elsewhere, good-bye."""

    async def test_draining_worker_notifies_clients_and_closes_them(self, start, django):
        gateway = start(drain_timeout=1)
        async with gateway.welcomed(django.log_in("sid", "7")) as browser:
            gateway.terminate()
            frame = await receive_frame(browser)
            assert (frame["type"], frame["within"]) == ("drain", 1)
            with pytest.raises((OSError, InvalidStatus)):
                await gateway.connect()
            assert await receive_close(browser) == (3001, "server is restarting")
        assert gateway.process.wait(10) == 0

    async def test_gateway_stops_when_the_last_client_has_left(self, start, django):
        gateway = start(drain_timeout=600)
        async with gateway.welcomed(django.log_in("sid", "7")) as browser:
            gateway.terminate()
            await receive_frame(browser)
        await until(lambda: gateway.process.poll() == 0)

    async def test_draining_worker_is_not_ready(self, start, django):
        gateway = start(drain_timeout=600)
        async with gateway.welcomed(django.log_in("sid", "7")) as browser:
            gateway.terminate()
            await receive_frame(browser)
            assert gateway.ask_ops("/ready") == (503, "not ready\nit stops\n")
            assert gateway.ask_ops("/health") == (200, "ok\n")


class TestStarting:
    """What keeps it from serving is named."""

    def test_invalid_configuration_is_reported(self, redis_server):
        variables = environment(redis_server.connection_url, workers="many", origins="*")
        done = run_to_end(variables, "--check-config")
        assert done.returncode == 2
        assert "SOCKGATE_WORKERS" in done.stderr
        assert "SOCKGATE_ORIGINS" in done.stderr
        assert "Traceback" not in done.stderr

    def test_valid_configuration_is_reported(self, redis_server):
        few = {"max_connections": 500, "max_unauthenticated": 100}  # within ulimit -n
        variables = environment(redis_server.connection_url, **few)
        done = run_to_end(variables, "--check-config")
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("workers", [1, 2])
    @pytest.mark.parametrize("taken", ["port", "ops_port"])
    def test_port_in_use_is_named(self, redis_server, workers, taken):
        with socket.create_server(("127.0.0.1", 0)) as server:
            ports = {"port": free_port(), "ops_port": free_port()}
            ports[taken] = server.getsockname()[1]
            variables = environment(redis_server.connection_url, workers=workers, **ports)
            done = run_to_end(variables)
        assert done.returncode == 1
        assert f"cannot listen on 127.0.0.1:{ports['port']}" in done.stderr
        assert "Traceback" not in done.stderr


class TestSeveralWorkers:
    """Workers share a port, and a fate."""

    async def test_every_worker_serves_what_is_published(self, start, django):
        gateway, token = start(workers=2, drain_timeout=1), django.log_in("sid", "7")
        await until(lambda: gateway.ask_ops("/ready", worker=1)[0] == 200)
        browsers = [gateway.connect() for _ in range(12)]
        opened = [await browser for browser in browsers]
        for browser in opened:
            await show(browser, token)
            assert (await receive_frame(browser))["type"] == "connected"
        assert django.publish("user:7", "for all tabs") == 2
        for browser in opened:
            assert await receive_publication(browser) == ("user:7", "for all tabs")
        assert gateway.stop() == 0
        for browser in opened:
            await browser.close()

    async def test_killed_worker_is_replaced(self, start, django):
        gateway = start(workers=2)
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(gateway.process.pid)], capture_output=True, text=True
        )
        first = int(children.stdout.split()[0])
        os.kill(first, signal.SIGKILL)
        await until(lambda: "event=worker_ended" in gateway.log.read_text())
        await until(lambda: gateway.log.read_text().count("event=started") == 3)

    async def test_requests_of_one_proxy_are_of_different_browsers(self, start, django):
        """Whichever worker a session lives in, it knows the browser of the very request."""
        gateway = start(workers=2, trusted_proxies="127.0.0.1", log_level="debug")
        token = django.log_in("sid")
        connect = json.dumps([json.dumps({"type": "connect", "token": token})])
        for session in range(8):
            with closing(HTTPConnection("127.0.0.1", gateway.port, timeout=10)) as proxy:
                ask_for(proxy, "GET", "info", "203.0.113.1")
                ask_for(proxy, "POST", f"000/s{session}/xhr", "203.0.113.2")
            with closing(HTTPConnection("127.0.0.1", gateway.port, timeout=10)) as proxy:
                ask_for(proxy, "POST", f"000/s{session}/xhr_send", "203.0.113.2", connect)
        welcomes = "event=connected"
        await until(lambda: gateway.log.read_text().count(welcomes) == 8)
        lines = [line for line in gateway.log.read_text().splitlines() if welcomes in line]
        assert [line.rpartition("address=")[2] for line in lines] == ["203.0.113.2"] * 8

    def test_workers_that_have_hardly_started_stop(self, redis_server, tmp_path):
        for _ in range(3):
            gateway = Gateway(redis_server.connection_url, tmp_path / "log", workers=2)
            gateway._wait_until_ready = lambda: None
            gateway.start()
            assert gateway.stop() in (0, -signal.SIGTERM)


class TestTls:
    """The gateway itself may end TLS."""

    async def test_client_receives_over_tls(self, start, django, certificate, trusting):
        gateway, token = start(**certificate), django.log_in("sid", "7")
        async with gateway.welcomed(token, ssl=trusting) as browser:
            django.publish("user:7", "news")
            assert await receive_publication(browser) == ("user:7", "news")
            django.publish_control(RevokeSession("sid"))
            assert await receive_close(browser) == (4500, "session ended")

    async def test_slow_browser_is_closed_over_tls(self, start, django, certificate, trusting):
        gateway, token = start(**certificate), django.log_in("sid", "7")
        async with gateway.welcomed(token, ssl=trusting, max_queue=1, close_timeout=1):
            closed = 'sockgate_closed_total{code="3004"}'
            while not gateway.metric(closed):
                django.publish("user:7", "x" * (ONE_MIB - 100))


class TestOps:
    """Health, readiness and metrics, for operators alone."""

    async def test_metrics_count_what_happens(self, start, django):
        gateway = start()
        async with gateway.welcomed(django.log_in("sid", "7")) as browser:
            django.publish("user:7", "news")
            await receive_publication(browser)
            assert gateway.metric("sockgate_ready") == 1
            assert gateway.metric("sockgate_connections") == 1
            assert gateway.metric("sockgate_users") == 1
            assert gateway.metric("sockgate_channels") == 2
            assert gateway.metric("sockgate_publications_total") == 1
            assert gateway.metric("sockgate_deliveries_total") == 1
            assert gateway.metric('sockgate_opened_total{transport="rawwebsocket"}') == 1
        await until(lambda: gateway.metric('sockgate_closed_total{code="client"}') == 1)

    async def test_logs_hold_no_secret(self, start, django):
        gateway, token = start(log_level="debug"), django.log_in("sid-that-is-secret", "7")
        async with gateway.welcomed(token) as browser:
            django.publish("user:7", "payload-that-is-secret")
            await receive_publication(browser)

        gateway.stop()
        log = gateway.log.read_text()
        assert "event=connected" in log
        assert "secret" not in log
        assert token not in log


def ask_for(
    proxy: HTTPConnection, method: str, path: str, browser: str, body: str | None = None
) -> None:
    """Ask as a proxy does on behalf of a browser, and read the answer."""
    proxy.request(method, f"/realtime/{path}", body, {"X-Forwarded-For": browser})
    answer = proxy.getresponse()
    assert answer.status in (200, 204), (path, answer.read())
    answer.read()
