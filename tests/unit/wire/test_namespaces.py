import pytest
from sockgate_gateway.wire.errors import NamespacesError
from sockgate_gateway.wire.namespaces import DEFAULT, Namespaces, Policy, read_namespaces

ROOM = Policy(history=7, age=60, presence=True)
NAMESPACES = Namespaces({"room": ROOM, "ticker": Policy(history=0), "lobby": Policy()})


@pytest.mark.parametrize(
    ("channel", "policy"),
    [
        ("room:7", ROOM),
        ("room:7:8", ROOM),
        ("room", ROOM),
        ("rooms:7", DEFAULT),
        ("user:7", DEFAULT),
        ("lobby", Policy()),
    ],
)
def test_policy_is_that_of_the_namespace(channel, policy):
    assert NAMESPACES.of(channel) == policy


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("room:7", True), ("lobby", True), ("ticker:gold", False), ("user:7", False)],
)
def test_declared_namespace_with_history_is_sequenced(channel, expected):
    assert NAMESPACES.is_sequenced(channel) is expected


def test_namespaces_survive_redis():
    assert read_namespaces(NAMESPACES.to_json()) == NAMESPACES


def test_namespaces_of_a_newer_django_are_read():
    read = read_namespaces('{"room":{"history":7,"age":60,"presence":true,"future":1}}')
    assert read == Namespaces({"room": ROOM})


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"\xff", b'{"room":1}', b'{"room":{"overflow":"drop"}}']
)
def test_invalid_namespaces_are_refused(raw):
    with pytest.raises(NamespacesError):
        read_namespaces(raw)


@pytest.mark.parametrize("more", ['"recover": false', '"history": 0'])
def test_state_without_a_history_is_refused(more):
    with pytest.raises(
        NamespacesError, match="namespace 'room': 'state': 'latest' needs 'recover'"
    ):
        read_namespaces(f'{{"room": {{"state": "latest", {more}}}}}')


def test_state_is_read():
    read = read_namespaces('{"room": {"state": "latest", "history": 1}}')
    assert read.of("room:7").state == "latest"


@pytest.mark.parametrize("value", ["server", "subscribers"])
def test_presence_data_without_presence_is_refused(value):
    with pytest.raises(NamespacesError, match="needs 'presence': true"):
        read_namespaces(f'{{"room": {{"presence_data": "{value}"}}}}')
    read = read_namespaces(f'{{"room": {{"presence_data": "{value}", "presence": true}}}}')
    assert read.of("room:7").presence_data == value
