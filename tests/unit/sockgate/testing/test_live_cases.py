"""The port of the sites of live tests."""

import socket

from sockgate.testing.live_cases import _port_of_site


def test_sites_of_all_classes_have_one_port_until_another_program_has_taken_it() -> None:
    port = _port_of_site()
    assert _port_of_site() == port
    with socket.create_server(("127.0.0.1", port)):
        other = _port_of_site()
        assert other != port
    assert _port_of_site() == other
