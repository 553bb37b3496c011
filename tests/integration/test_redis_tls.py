"""Redis behind TLS with a private CA, which asks for a certificate of the client."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from redis import Redis, RedisError
from sockgate.publishing.publisher import Publisher

from tests.integration.gatewayprocess import Django, environment, run_to_end
from tests.integration.running_worker import run_worker
from tests.integration.sequences import ClientState
from tests.integration.test_providers import CHANNEL, event, opened
from tests.integration.tls_relay import Certificate, TLSRelay, make_authority, make_certificate
from tests.ports import HOST

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Certificate:
    return make_authority(folder, "authority")


@pytest.fixture(scope="module")
def client(folder: Path, authority: Certificate) -> Certificate:
    return make_certificate(folder, "client", authority)


@pytest.fixture(scope="module")
def port(redis_server, folder: Path, authority: Certificate) -> Iterator[int]:
    relay = TLSRelay(redis_server.port, make_certificate(folder, "server", authority), authority)
    yield relay.port
    relay.stop()


def url_of(port: int, authority: Certificate, client: Certificate | None) -> str:
    options = {"ssl_ca_certs": authority.cert}
    if client:
        options |= {"ssl_certfile": client.cert, "ssl_keyfile": client.key}
    return f"rediss://{HOST}:{port}/0?{urlencode(options)}"


async def test_both_halves_use_a_private_authority_and_a_client_certificate(
    port, authority, client, redis_server
):
    url, state = url_of(port, authority, client), ClientState()
    with Redis.from_url(redis_server.connection_url, protocol=2) as admin:
        admin.flushall()
        async with run_worker(admin, redis_url=url) as worker:
            token = Django(admin).log_in("sid")
            async with opened(worker, token, state) as browser:
                with Publisher(url) as publisher:
                    publisher.publish(7, "n", 1, sequenced=True)
                await state.receive_until(browser, CHANNEL, event(1))


@pytest.mark.parametrize(
    ("lacks", "remedy"),
    [("authority", "and the certificate"), ("client", "(ssl_certfile, ssl_keyfile)")],
)
def test_wrong_certificates_are_named_as_such(port, authority, client, folder, lacks, remedy):
    trusted = make_authority(folder, "another") if lacks == "authority" else authority
    url = url_of(port, trusted, client if lacks == "authority" else None)
    found = run_to_end(environment(url), "--check-config")
    assert "Redis does not answer" in found.stderr
    assert f"{remedy} (SOCKGATE_REDIS_URL)" in found.stderr
    with Publisher(url) as publisher, pytest.raises(RedisError):
        publisher.publish(7, "n", 1, sequenced=False)
