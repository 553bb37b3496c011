import pytest
from sockgate_gateway.http.refusal_log import RefusalLog, hint_for_origin

SITE = "https://www.example.com"


@pytest.mark.parametrize(
    ("origin", "allowed", "words"),
    [
        (SITE, [], [f"set SOCKGATE_ORIGINS={SITE}", "not set"]),
        (
            "http://localhost:8000",
            ["http://127.0.0.1:8000"],
            ["SOCKGATE_ORIGINS has http://127.0.0.1:8000", "or add http://localhost:8000"],
        ),
        (
            "http://127.0.0.1:8000",
            ["http://localhost:8000"],
            ["SOCKGATE_ORIGINS has http://localhost:8000", "or add http://127.0.0.1:8000"],
        ),
        ("http://[::1]:8000", ["http://localhost:8000"], ["or add http://[::1]:8000"]),
        ("http://localhost:3000", ["http://127.0.0.1:8000"], ["not in SOCKGATE_ORIGINS"]),
        ("http://www.example.com", [SITE], [f"has {SITE}", "another scheme or port"]),
        ("https://foe.example", [SITE], ["not in SOCKGATE_ORIGINS: add https://foe.example"]),
    ],
)
def test_hint_names_what_to_set(origin, allowed, words):
    hint = hint_for_origin(origin, allowed)
    assert [word for word in words if word not in hint] == []


def logged(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize("claimed", [None, "", "nonsense", "file://x", f"http://{'x' * 300}"])
def test_what_is_no_origin_is_not_logged(caplog, claimed):
    RefusalLog([SITE], "/realtime").log_origin(claimed, "192.0.2.1")
    assert logged(caplog) == []


def test_page_without_an_origin_is_named(caplog):
    RefusalLog([SITE], "/realtime").log_origin("null", "192.0.2.1")
    (line,) = logged(caplog)
    assert line.startswith("event=origin_refused origin='null' hint='the page has no origin")


def test_referer_is_logged_without_its_path(caplog):
    RefusalLog([SITE], "/realtime").log_origin("https://foe.example/secret?path=1", "192.0.2.1")
    assert "secret" not in caplog.text
    assert "origin='https://foe.example'" in caplog.text


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/info", "/"),
        ("/websocket", "/"),
        ("/000/a-secret-id/websocket", "/"),
        ("/push/000/a-secret-id/xhr_streaming", "/push"),
        ("/push/info", "/push"),
        ("/push/iframe-1.6.1.html", "/push"),
    ],
)
def test_path_of_another_prefix_is_logged_without_its_session(caplog, path, asked):
    RefusalLog([], "/realtime").log_path(path, "192.0.2.1")
    (line,) = logged(caplog)
    assert f"event=outside_prefix asked='{asked}' expected='/realtime'" in line
    assert "GATEWAY_URL" in line
    assert "a-secret-id" not in line
    assert ("SOCKGATE_PREFIX" in line) == (asked != "/")


@pytest.mark.parametrize(
    "path",
    [
        "/realtime/a-secret/websocket",
        "/realtime/a-secret/000/a/xhr",
        f"/{'a-secret' * 3}/websocket",
        "/a-secret.of.a.token/a-secret/x/y/xhr",
        "/a/b/a-secret/info",
        "/a\x1b-secret/info",
    ],
)
def test_part_of_a_path_that_may_be_a_secret_is_not_logged(caplog, path):
    RefusalLog([], "/realtime").log_path(path, "192.0.2.1")
    (line,) = logged(caplog)
    assert "event=outside_prefix" in line
    assert "secret" not in line
    assert "SOCKGATE_PREFIX" not in line


@pytest.mark.parametrize(
    "path",
    [
        "/realtime/info",
        "/realtime/000/a/jsonp",
        "/wp-login.php",
        "/",
        "/favicon.ico",
        f"/{'x' * 2000}/info",
    ],
)
def test_path_of_ours_or_of_a_stranger_is_not_logged(caplog, path):
    RefusalLog([], "/realtime").log_path(path, "192.0.2.1")
    assert logged(caplog) == []
