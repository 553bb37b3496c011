"""What systemd receives."""

import os
import socket

import pytest
from sockgate_gateway.server.watch.service_notifier import ServiceNotifier


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path):
    """A socket as systemd opens it, and its address in NOTIFY_SOCKET."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@sockgate-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name[1:] if name.startswith("@") else name)
        sock.settimeout(10)
        yield sock, name


def test_service_says_what_it_is_and_takes_the_variables_away(systemd):
    sock, address = systemd
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000", "OTHER": "stays"}
    notifier = ServiceNotifier(environ)
    assert environ == {"OTHER": "stays"}
    for _ in range(2):
        notifier.ready()
        notifier.status("2 of 2 workers are ready")
        notifier.alive()
    notifier.stopping()
    received = [sock.recv(200).decode() for _ in range(5)]
    status = "STATUS=2 of 2 workers are ready"
    assert received == ["READY=1", status, "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]


@pytest.mark.parametrize("watchdog", [{}, {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}])
def test_watchdog_of_nobody_or_another_process_is_not_fed(systemd, watchdog):
    sock, address = systemd
    notifier = ServiceNotifier({"NOTIFY_SOCKET": address, **watchdog})
    notifier.alive()
    notifier.stopping()
    assert sock.recv(200) == b"STOPPING=1"


def test_service_without_systemd_says_nothing():
    notifier = ServiceNotifier({})
    notifier.ready()
    notifier.alive()
    notifier.stopping()
