"""``check --deploy`` requests the views at the site's address."""

from typing import Any

import pytest
from sockgate.checks.deploy import check_views

from tests.unit.sockgate.management.doctor.hostile import hostile_server, response, sending
from tests.unit.sockgate.management.doctor.test_site import NO_GET, OF_GATEWAY, REFUSAL


@pytest.fixture
def address(settings: Any) -> Any:
    """Set the address of the site."""

    def set_address(url: str) -> None:
        settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = [], [url]

    return set_address


def test_views_behind_a_right_proxy_are_accepted(address: Any) -> None:
    with hostile_server(*map(sending, (NO_GET, NO_GET, REFUSAL, REFUSAL))) as url:
        address(url)
        assert [*check_views()] == []


def test_view_that_the_gateway_answers_is_reported(address: Any) -> None:
    with hostile_server(*map(sending, (NO_GET, NO_GET, OF_GATEWAY, OF_GATEWAY))) as url:
        address(url)
        (found,) = check_views()
    assert found.id == "sockgate.W122"
    assert "/realtime/session/, /realtime/progress/, the gateway answers" in found.msg


def test_redirect_and_page_in_place_of_a_view_are_reported(address: Any) -> None:
    moved = b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
    page = response(b"<title>Home</title>")
    with hostile_server(*map(sending, (moved, page, REFUSAL, REFUSAL))) as url:
        address(url)
        (found,) = check_views()
    assert "/realtime/token/, /realtime/grant/, something else answers" in found.msg


def test_site_that_does_not_answer_is_information(address: Any) -> None:
    with hostile_server() as url:
        pass
    address(url)
    (found,) = check_views()
    assert found.id == "sockgate.I102"
    assert url in found.msg


def test_nothing_is_requested_in_debug_or_without_an_address(address: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = ["*"], []
    assert [*check_views()] == []
    with hostile_server(sending(OF_GATEWAY)) as url:
        address(url)
        settings.DEBUG = True
        assert [*check_views()] == []
