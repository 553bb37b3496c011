import pytest
from sockgate_gateway.sockjs.binding import Binding, ticket

from tests.vectors import VECTORS

SECRET = "abcdefghijklmnopqrstuvwx"
OTHER = "abcdefghijklmnopqrstuvwy"


@pytest.mark.parametrize("vector", VECTORS["tickets"])
def test_ticket_is_written_as_the_client_writes_it(vector):
    assert ticket(vector["secret"], vector["number"]) == vector["ticket"]


def opened_by_get() -> Binding:
    binding = Binding.of_ticket(ticket(SECRET, 0))
    assert binding
    return binding


def opened_by_post() -> Binding:
    binding = Binding.of_secret(SECRET)
    assert binding
    return binding


@pytest.mark.parametrize(
    "text", ["", "short", "a" * 129, "a" * 20 + " ", "ä" * 24, "a" * 24 + "\n"]
)
def test_other_texts_are_no_secret(text):
    assert Binding.of_secret(text) is None
    assert not opened_by_post().admits_secret(text)
    assert not opened_by_get().admits_secret(text)


@pytest.mark.parametrize("text", ["", "0-", "0-" + "g" * 32, "-1-" + "0" * 32, "01-" + "0" * 32])
def test_other_texts_are_no_ticket(text):
    assert Binding.of_ticket(text) is None
    assert not opened_by_post().admits_ticket(text)


@pytest.mark.parametrize("opened", [opened_by_get, opened_by_post])
def test_only_its_secret_is_admitted(opened):
    binding = opened()
    assert not binding.admits_secret(OTHER)
    assert binding.admits_secret(SECRET)
    assert not binding.admits_secret(OTHER)


@pytest.mark.parametrize("opened", [opened_by_get, opened_by_post])
def test_each_ticket_is_admitted_once_and_only_forward(opened):
    binding = opened()
    assert not binding.admits_ticket(ticket(SECRET, 0))
    assert binding.admits_ticket(ticket(SECRET, 1))
    assert not binding.admits_ticket(ticket(SECRET, 1))
    assert binding.admits_secret(SECRET)
    assert binding.admits_ticket(ticket(SECRET, 3))
    assert not binding.admits_ticket(ticket(SECRET, 2))
    assert not binding.admits_ticket(ticket(OTHER, 4))


def test_later_ticket_waits_for_the_secret():
    binding = opened_by_get()
    assert not binding.admits_ticket(ticket(SECRET, 2))
    assert binding.admits_secret(SECRET)
    assert binding.admits_ticket(ticket(SECRET, 2))
