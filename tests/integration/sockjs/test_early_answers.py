"""Answers before a session or a handler exists are those that the handlers give."""

import pytest
from sockgate_gateway.sockjs.session import Session

from tests.integration.sockjs.browser import Response
from tests.integration.sockjs.service import FOE, FRIEND

PATH = "/000/known-to-its-browser-alone/"
CALLBACK = "?c=f"
OPENINGS = [
    ("POST", "xhr", ""),
    ("POST", "xhr_streaming", ""),
    ("GET", "eventsource", ""),
    ("GET", "htmlfile", CALLBACK),
    ("GET", "jsonp", CALLBACK),
]
BY_TRANSFER = ("date", "transfer-encoding", "content-length", "connection", "x-accel-buffering")


def essence(response: Response) -> tuple[int, dict[str, str], str]:
    """Return what a page can see: all but how the body was transferred, and the moment."""
    headers = {name: text for name, text in response.headers.items() if name not in BY_TRANSFER}
    return response.status, headers, response.body


@pytest.mark.parametrize("fixture", ["serve", "serve_fast"])
@pytest.mark.parametrize("origin", [{}, {"Origin": FRIEND}, {"Origin": FOE}])
@pytest.mark.parametrize(("method", "transport", "query"), OPENINGS)
def test_early_refusal_is_that_of_the_handler(request, fixture, method, transport, query, origin):
    serve = request.getfixturevalue(fixture)
    answers = [
        serve(program, jsessionid=False).browser.ask(method, PATH + transport + query, origin)
        for program in ("refuse", "refuse late")
    ]
    assert essence(answers[0]) == essence(answers[1])
    assert (answers[0].status == 200) == ("c[3002," in answers[0].body)


@pytest.mark.parametrize("fixture", ["serve", "serve_fast"])
@pytest.mark.parametrize(
    ("method", "transport", "query"),
    [opening for opening in OPENINGS if opening[1] != "htmlfile"],
)
def test_refused_opening_costs_no_session(request, monkeypatch, fixture, method, transport, query):
    made = []
    init = Session.__init__
    monkeypatch.setattr(Session, "__init__", lambda *args: made.append(args) or init(*args))
    service = request.getfixturevalue(fixture)("refuse")
    assert "c[3002," in service.browser.ask(method, PATH + transport + query).body
    assert made == []


@pytest.mark.parametrize("fixture", ["serve", "serve_fast"])
def test_open_session_is_served_while_openings_are_refused(request, fixture):
    service = request.getfixturevalue(fixture)()
    assert service.browser.post(PATH + "xhr").body == "o\n"
    service.program = "refuse"
    poll = service.browser.begin("POST", PATH + "xhr")
    service.until_waiting()
    service.send("a")
    assert poll.read_response().body == 'a["a"]\n'
    assert service.browser.post("/000/another/xhr").body.startswith("c[3002,")


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "PUT"])
def test_other_methods_are_left_to_the_handler(serve_fast, method):
    answers = [
        serve_fast(program).browser.ask(method, PATH + "eventsource").status
        for program in ("refuse", "echo")
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("headers", [{}, {"Origin": FRIEND}, {"Referer": f"{FRIEND}/page"}])
def test_early_info_is_that_of_the_handler(serve, serve_fast, headers):
    early, usual = (s().browser.get("/info?t=1", headers) for s in (serve_fast, serve))
    assert early.json.keys() == usual.json.keys()
    assert {**early.json, "entropy": 0} == {**usual.json, "entropy": 0}
    assert essence(early)[:2] == essence(usual)[:2]


def test_early_info_is_not_for_foreign_pages(serve_fast):
    assert serve_fast().browser.get("/info", {"Origin": FOE}).status == 403


def test_connection_goes_on_after_an_early_answer(serve_fast):
    service = serve_fast()
    with service.browser.wire() as wire:
        for path in ("/info", "/info", "", "/info", PATH + "eventsource"):
            wire.ask("GET", service.browser.prefix + path)
            head = wire.read_head()
            assert head.status == 200
            if length := head.header("content-length"):
                wire.read(int(length))
        service.until_waiting()


HIDDEN = b"GET /echo/info HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("program", ["echo", "refuse"])
@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "/info", {"Content-Length": str(len(HIDDEN))}, HIDDEN),
        ("GET", "/info", {"Transfer-Encoding": "chunked"}, b"24\r\n" + HIDDEN + b"\r\n0\r\n\r\n"),
        ("POST", PATH + "xhr", {"Content-Length": str(len(HIDDEN))}, HIDDEN),
        ("POST", PATH + "jsonp_send", {"Content-Length": str(len(HIDDEN))}, HIDDEN),
    ],
)
def test_body_is_never_read_as_a_request(serve_fast, program, method, path, headers, body):
    service = serve_fast(program)
    with service.browser.wire() as wire:
        wire.ask(method, service.browser.prefix + path, {"Connection": "close", **headers}, body)
        assert wire.read_response().status in (200, 400, 404)
        assert wire.is_closed()
