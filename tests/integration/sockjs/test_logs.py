"""What the logs contain, and what they never contain."""

import logging

import pytest
from sockgate_gateway.sockjs.transports.receiver import Receiver

from tests.integration.sockjs.service import FOE

SECRET_ID = "known-to-its-browser-alone"
PATH = f"/000/{SECRET_ID}"


def test_no_log_names_a_session_or_its_messages(serve, caplog):
    caplog.set_level(logging.DEBUG)
    service = serve(max_frame=64)
    browser = service.browser
    browser.post(PATH + "/xhr")
    browser.get(PATH + "/xhr")
    browser.get(PATH + "/jsonp")
    browser.post(PATH + "/xhr", headers={"Origin": FOE})
    browser.post(PATH + "/nowhere")
    browser.post(PATH + "/xhr_send", '["payload"]')
    browser.post(PATH + "/xhr_send", '["payload')
    browser.post(PATH + "/xhr_send", '["payload", 5]')
    assert service.closed == []
    assert "event=request handler=Xhr method=POST status=200" in caplog.text
    assert SECRET_ID not in caplog.text
    assert "payload" not in caplog.text


def test_internal_error_is_logged_without_the_address(serve, caplog, monkeypatch):
    service = serve()
    service.browser.post(PATH + "/xhr")
    monkeypatch.setattr(service.router.lifecycle, "receive", lambda connection, text: 1 / 0)
    response = service.browser.post(PATH + "/xhr_send", '["payload"]')
    assert (response.status, response.body) == (500, "Internal Server Error")
    assert "event=request_failed handler=XhrSend" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert SECRET_ID not in caplog.text


@pytest.mark.parametrize("path", ["/xhr_streaming", "/xhr"])
def test_disconnect_before_the_response_is_not_an_error(serve, caplog, monkeypatch, path):
    service = serve()
    begin = Receiver.begin

    def begin_too_late(receiver):
        receiver.stream.close()  # Tornado's own, when it reads the end of the connection.
        begin(receiver)

    monkeypatch.setattr(Receiver, "begin", begin_too_late)
    assert service.browser.begin("POST", PATH + path).is_closed()
    assert service.browser.get("/info").status == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
