"""Logging of the gateway process: one line for each event, as text or as JSON."""

import logging
import sys
from datetime import UTC, datetime

import msgspec

from ..wire.tenants import SEPARATOR

_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"


class TextFormatter(logging.Formatter):
    """Write a record as one line; a name in a tenant is written as ``tenant/name``."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        return super().format(record).replace(SEPARATOR, "/")


class JsonFormatter(logging.Formatter):
    """Write a record as one JSON object: time, level, logger, message, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage().replace(SEPARATOR, "/"),
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(fields).decode()


def set_up(level: str, form: str) -> None:
    """Send all logging to standard error.

    Args:
        level: debug, info, warning or error.
        form: text or json.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(_TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # At a lower level Tornado logs paths, and quotes malformed headers, cookies among them.
    for name in ("tornado.access", "tornado.general"):
        logging.getLogger(name).setLevel(logging.WARNING)
