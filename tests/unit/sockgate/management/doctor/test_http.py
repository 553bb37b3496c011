import pytest
from sockgate.management.doctor.http import Peer, exchange
from sockgate.management.doctor.report import StepFailed

from .hostile import dripping, hostile_server, response, sending

PEER = Peer("Django", "Start it.", "doctor-site")
PATIENT_S = 60.0


def test_answer_is_read() -> None:
    with hostile_server(sending(response(b"fine", "404 Not Found"))) as url:
        answer = exchange(PEER, "GET", url, timeout_s=PATIENT_S, headers={})
    assert (answer.status, answer.body) == (404, "fine")


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"],
    ids=["header", "body"],
)
def test_answer_that_drips_in_is_too_late(head: bytes) -> None:
    with hostile_server(dripping(head)) as url, pytest.raises(StepFailed, match="timed out"):
        exchange(PEER, "GET", url, timeout_s=0.3, headers={})


@pytest.mark.parametrize("url", ["http://127.0.0.1:80a/", f"http://{'ü' * 70}.example/"])
def test_url_that_cannot_be_used_is_a_failed_step(url: str) -> None:
    with pytest.raises(StepFailed, match="does not answer at"):
        exchange(PEER, "GET", url, timeout_s=PATIENT_S, headers={})
