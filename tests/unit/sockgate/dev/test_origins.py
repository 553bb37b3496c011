from typing import Any

import pytest
from sockgate.dev import origins
from sockgate.dev.origins import origins_served, page_origin
from sockgate_gateway.http.origins import normalize_origin

TWINS = ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"]


@pytest.fixture(autouse=True)
def site(settings: Any) -> Any:
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.CSRF_TRUSTED_ORIGINS = []
    return settings


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1"])
def test_twins_of_the_local_host_are_origins(address: str) -> None:
    assert origins_served(address, 8000) == TWINS


@pytest.mark.parametrize("address", ["192.168.1.5", "my-laptop"])
def test_address_served_is_an_origin(address: str) -> None:
    assert origins_served(address, 8000) == [*TWINS, f"http://{address}:8000"]


@pytest.mark.parametrize("address", ["", "0", "0.0.0.0", "::"])
def test_machine_is_an_origin_where_every_address_is_served(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(origins.socket, "gethostname", lambda: "My-Laptop")
    monkeypatch.setattr(origins, "_own_address", lambda: "192.168.1.5")
    expected = [*TWINS, "http://my-laptop:8000", "http://192.168.1.5:8000"]
    assert origins_served(address, 8000) == expected


def test_hosts_and_trusted_origins_of_django_are_origins(site: Any) -> None:
    site.ALLOWED_HOSTS = ["shop.test", ".example.com", "*", "localhost"]
    site.CSRF_TRUSTED_ORIGINS = ["https://tunnel.example", "https://*.example.com"]
    expected = [
        *TWINS,
        "http://shop.test:8000",
        "http://*.example.com:8000",
        "https://tunnel.example",
        "https://*.example.com",
    ]
    assert origins_served("127.0.0.1", 8000) == expected


def test_subdomains_of_localhost_are_origins_where_django_allows_them(site: Any) -> None:
    site.ALLOWED_HOSTS = []
    assert origins_served("127.0.0.1", 8000) == [*TWINS, "http://*.localhost:8000"]


def test_every_origin_is_one_for_the_gateway(site: Any) -> None:
    site.ALLOWED_HOSTS = ["shop.test", "[::1]"]
    found = origins_served("0.0.0.0", 80)
    assert all(normalize_origin(origin) for origin in found)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("my-laptop", "http://my-laptop:8080"),
    ],
)
def test_page_is_opened_at_an_address_that_connects(address: str, origin: str) -> None:
    assert page_origin(address, 8080) == origin
