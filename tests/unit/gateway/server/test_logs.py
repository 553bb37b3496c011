"""One line an event, as text or as JSON."""

import json
import logging
from collections.abc import Iterator

import pytest
from sockgate_gateway.loop.failure_log import FailureLog
from sockgate_gateway.loop.hint_log import HintLog
from sockgate_gateway.server.log_writer import flush
from sockgate_gateway.server.logs import set_up
from sockgate_gateway.wire.closecodes import CloseCode


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """The root logger, given back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    tornado = [logging.getLogger(f"tornado.{name}") for name in ("access", "general")]
    tornado_levels = [logger.level for logger in tornado]
    root.handlers = []
    yield root
    root.handlers = handlers
    root.setLevel(level)
    for logger, tornado_level in zip(tornado, tornado_levels, strict=True):
        logger.setLevel(tornado_level)


def lines_of(capfd) -> list[str]:
    flush()
    return capfd.readouterr().err.splitlines()


def test_text_is_one_line_with_level_and_logger(capfd):
    set_up("info", "text")
    logging.getLogger("sockgate.auth").warning("event=close code=%d", 4500)
    (line,) = lines_of(capfd)
    assert line.endswith("WARNING sockgate.auth event=close code=4500")


def test_json_is_one_object_a_line(capfd):
    set_up("info", "json")
    logging.getLogger("sockgate.auth").info('say "é"\nand more')
    (line,) = lines_of(capfd)
    fields = json.loads(line)
    assert fields.pop("time").endswith("+00:00")
    assert fields == {"level": "info", "logger": "sockgate.auth", "message": 'say "é"\nand more'}


def test_json_has_the_fields_of_the_event_with_their_types(capfd):
    set_up("info", "json")
    uid = "7 code=4500 event='forged'"
    values = (uid, None, CloseCode.SESSION_ENDED, 1.26, True, 'it "ends"', 6, 5.0)
    logging.getLogger("sockgate.access").info(
        "event=closed user=%s sid=%s code=%d lived_s=%.1f done=%s cause=%r "
        "hint='died %d times in %g s, 100%%' by=gateway",
        *values,
    )
    fields = json.loads(lines_of(capfd)[0])
    assert {name: fields[name] for name in fields.keys() - {"time", "message"}} == {
        "level": "info",
        "logger": "sockgate.access",
        "event": "closed",
        "user": uid,
        "sid": None,
        "code": 4500,
        "lived_s": 1.3,
        "done": True,
        "cause": 'it "ends"',
        "hint": "died 6 times in 5 s, 100%",
        "by": "gateway",
    }


def test_json_of_hints_and_failures_has_their_fields(capfd):
    set_up("info", "json")
    log = logging.getLogger("sockgate.hub")
    HintLog(log, "origin_refused").warn("origin=%a", "https://ä'.example", hint="add 'it'")
    FailureLog(log, "history_postponed").failed(OSError("100% full"), "channels=%d", 3)
    hint, failure = map(json.loads, lines_of(capfd))
    assert (hint["event"], hint["origin"], hint["hint"]) == (
        "origin_refused",
        "https://ä'.example",
        "add 'it'",
    )
    assert (failure["event"], failure["channels"], failure["cause"]) == (
        "history_postponed",
        3,
        "100% full",
    )


def test_json_field_never_replaces_level_or_time(capfd):
    set_up("info", "json")
    logging.getLogger("sockgate").info("event=odd level=%s", "none")
    assert json.loads(lines_of(capfd)[0])["level"] == "info"


def test_json_of_another_library_is_its_message(capfd):
    set_up("info", "json")
    logging.getLogger("asyncio").warning("code=%d of %s", 3, "x")
    assert json.loads(lines_of(capfd)[0]).keys() == {"time", "level", "logger", "message"}


def test_json_holds_the_error(capfd):
    set_up("info", "json")
    logging.getLogger("sockgate").error("event=failed", exc_info=KeyError("lost"))
    (line,) = lines_of(capfd)
    assert "KeyError: 'lost'" in json.loads(line)["error"]


@pytest.mark.parametrize(("level", "count"), [("debug", 2), ("info", 1), ("error", 0)])
def test_level_decides_what_is_logged(capfd, level, count):
    set_up(level, "text")
    log = logging.getLogger("sockgate.test")
    log.debug("a")
    log.info("b")
    assert len(lines_of(capfd)) == count


def test_requests_are_not_logged_by_tornado_too(capfd):
    set_up("debug", "text")
    logging.getLogger("tornado.access").info("200 GET /realtime/info")
    assert lines_of(capfd) == []


def test_second_set_up_replaces_the_first(capfd):
    set_up("info", "text")
    set_up("info", "json")
    logging.getLogger("sockgate").info("once")
    assert len(lines_of(capfd)) == 1


@pytest.mark.parametrize("name", ["tornado.access", "tornado.general"])
def test_tornado_quotes_no_client_at_any_level(capfd, name):
    set_up("debug", "text")
    logging.getLogger(name).info("Malformed HTTP message: %r", "sessionid=secret")
    assert lines_of(capfd) == []
