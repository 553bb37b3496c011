"""One line an event, as text or as JSON."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest
from sockgate_gateway.server.logs import set_up


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


def lines_of(capsys) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_text_is_one_line_with_level_and_logger(capsys):
    set_up("info", "text")
    logging.getLogger("sockgate.auth").warning("event=close code=%d", 4500)
    (line,) = lines_of(capsys)
    assert line.endswith("WARNING sockgate.auth event=close code=4500")


def test_json_is_one_object_a_line(capsys):
    set_up("info", "json")
    logging.getLogger("sockgate.auth").info('say "é"\nand more')
    (line,) = lines_of(capsys)
    fields = json.loads(line)
    assert fields.pop("time").endswith("+00:00")
    assert fields == {"level": "info", "logger": "sockgate.auth", "message": 'say "é"\nand more'}


def test_json_holds_the_error(capsys):
    set_up("info", "json")
    logging.getLogger("sockgate").error("event=failed", exc_info=KeyError("lost"))
    (line,) = lines_of(capsys)
    assert "KeyError: 'lost'" in json.loads(line)["error"]


@pytest.mark.parametrize(("level", "count"), [("debug", 2), ("info", 1), ("error", 0)])
def test_level_decides_what_is_logged(capsys, level, count):
    set_up(level, "text")
    log = logging.getLogger("sockgate.test")
    log.debug("a")
    log.info("b")
    assert len(lines_of(capsys)) == count


def test_requests_are_not_logged_by_tornado_too(capsys):
    set_up("debug", "text")
    logging.getLogger("tornado.access").info("200 GET /realtime/info")
    assert lines_of(capsys) == []


def test_second_set_up_replaces_the_first(capsys):
    set_up("info", "text")
    set_up("info", "json")
    logging.getLogger("sockgate").info("once")
    assert len(lines_of(capsys)) == 1
    assert all(handler.stream is sys.stderr for handler in logging.getLogger().handlers)


@pytest.mark.parametrize("name", ["tornado.access", "tornado.general"])
def test_tornado_quotes_no_client_at_any_level(capsys, name):
    set_up("debug", "text")
    logging.getLogger(name).info("Malformed HTTP message: %r", "sessionid=secret")
    assert lines_of(capsys) == []
