import socket

from sockgate.conf.defaults.ports import is_free
from sockgate.dev.ports import answers, next_free

from tests.ports import HOST, free_port


def test_port_of_a_server_is_in_use_and_answers() -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(HOST, port)
        assert answers(HOST, port)
        assert answers("0.0.0.0", port)
    assert is_free(HOST, port)
    assert not answers(HOST, port)


def test_next_free_port_is_after_those_in_use() -> None:
    first = free_port(in_a_row=3)
    assert next_free(HOST, first) == first + 1
    with socket.create_server((HOST, first + 1)):
        assert next_free(HOST, first) == first + 2


def test_there_is_no_port_after_the_last() -> None:
    assert next_free(HOST, 65_535) is None


def test_unknown_host_is_left_to_the_server_to_report() -> None:
    assert is_free("no-such-host.invalid", 8001)


def test_address_of_another_machine_is_left_to_the_server_to_report() -> None:
    assert is_free("192.0.2.1", 8001)
