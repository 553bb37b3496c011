"""Logging of the gateway process: one line for each event, as text or as JSON."""

import logging
import os
import sys
from datetime import UTC, datetime

import msgspec

from ..wire.tenants import SEPARATOR
from .log_fields import Field, fields_of
from .log_writer import LineHandler

STANDARD_ERROR = 2

_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class TextFormatter(logging.Formatter):
    """Write a record as one line; a name in a tenant is written as ``tenant/name``."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        return super().format(record).replace(SEPARATOR, "/")


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object: time, level, logger, its fields, message, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        fields = {
            **{name: _readable(value) for name, value in fields_of(record).items()},
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _readable(record.getMessage()),
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(fields).decode()


def _readable(value: Field) -> Field:
    return value.replace(SEPARATOR, "/") if isinstance(value, str) else value


def set_up(level: str, form: str) -> None:
    """Send all logging to standard error.

    Args:
        level: debug, info, warning or error.
        form: text or json.
    """
    handler = LineHandler(STANDARD_ERROR)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(_TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # At a lower level Tornado logs paths, and quotes malformed headers, cookies among them.
    for name in ("tornado.access", "tornado.general"):
        logging.getLogger(name).setLevel(logging.WARNING)


def open_standard_streams() -> None:
    """Open the null device in place of closed standard streams.

    The next socket would get the number of a closed one, and log lines would be written into it.
    """
    for fd in range(STANDARD_ERROR + 1):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115 -- stays open
    sys.stderr = sys.stderr or open(STANDARD_ERROR, "w", closefd=False)  # noqa: SIM115
