"""JSONP polling (SockJS protocol 0.3.3, JsonPolling)."""

import pytest

PATH = "/000/abc"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_session_opens_sends_and_receives(serve):
    browser = serve().browser
    opening = browser.get(PATH + "/jsonp?c=%63allback")
    assert opening.status == 200
    assert opening.body == '/**/callback("o");\r\n'
    assert opening.header("Content-Type") == "application/javascript; charset=UTF-8"
    assert opening.header("Cache-Control").startswith("no-store, no-cache,")
    sending = browser.post(PATH + "/jsonp_send", "d=%5B%22x%22%5D", FORM)
    assert (sending.status, sending.body) == (200, "ok")
    assert sending.header("Content-Type") == "text/plain; charset=UTF-8"
    assert sending.header("Cache-Control").startswith("no-store, no-cache,")
    assert browser.get(PATH + "/jsonp?c=_jp.abc").body == '/**/_jp.abc("a[\\"x\\"]");\r\n'


@pytest.mark.parametrize("transport", ["jsonp", "htmlfile"])
def test_callback_is_required(serve, transport):
    response = serve().browser.get(f"{PATH}/{transport}")
    assert response.status == 500
    assert response.body == '"callback" parameter required'


def test_malformed_payload_is_rejected_and_the_session_continues(serve):
    browser = serve().browser
    browser.get(PATH + "/jsonp?c=x")
    broken = browser.post(PATH + "/jsonp_send", "d=%5B%22x", FORM)
    assert (broken.status, broken.body) == (500, "Broken JSON encoding.")
    for payload in ("", "d=", "p=p"):
        response = browser.post(PATH + "/jsonp_send", payload, FORM)
        assert (response.status, response.body) == (500, "Payload expected.")
    assert browser.post(PATH + "/jsonp_send", "d=%5B%22b%22%5D", FORM).body == "ok"
    assert browser.get(PATH + "/jsonp?c=x").body == '/**/x("a[\\"b\\"]");\r\n'


def test_form_is_decoded_and_text_is_not(serve):
    browser = serve().browser
    browser.get(PATH + "/jsonp?c=x")
    assert browser.post(PATH + "/jsonp_send", "d=%5B%22abc%22%5D", FORM).body == "ok"
    text = {"Content-Type": "text/plain; charset=UTF-8"}
    assert browser.post(PATH + "/jsonp_send", '["%61bc"]', text).body == "ok"
    expected = '/**/x("a[\\"abc\\",\\"%61bc\\"]");\r\n'
    assert browser.get(PATH + "/jsonp?c=x").body == expected


def test_closed_session_answers_every_poll_with_the_close_frame(serve):
    service = serve("close")
    assert service.browser.get(PATH + "/jsonp?c=x").body == '/**/x("o");\r\n'
    for _ in range(2):
        response = service.browser.get(PATH + "/jsonp?c=x")
        assert response.body == '/**/x("c[3000,\\"going away\\"]");\r\n'


def test_sending_to_a_closed_session_is_not_found(serve):
    service = serve("close")
    service.browser.get(PATH + "/jsonp?c=x")
    service.until(lambda: service.closed)
    assert service.browser.post(PATH + "/jsonp_send", "d=%5B%5D", FORM).status == 404
