"""The errors of the gateway.

GatewayError
 +-- ConfigError         the configuration cannot be used; ``problems`` lists why
 +-- Refused             a connection must end; carries the close code
 +-- Denied              one frame is refused; carries the code for the browser
 +-- BrokerUnavailable   Redis cannot be asked now
"""

from collections.abc import Sequence

from .wire.closecodes import CloseCode


class GatewayError(Exception):
    """Something that the gateway itself reports."""


class ConfigError(GatewayError):
    """The configuration cannot be used."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Refused(GatewayError):
    """A connection must end.

    Args:
        code: what the browser is told, with its generic reason.
        cause: what the log is told.
    """

    def __init__(self, code: CloseCode, cause: str = "") -> None:
        super().__init__(cause or code.reason)
        self.code = code


class Denied(GatewayError):
    """One frame is refused, and the connection stays.

    Args:
        code: for programs.
        message: for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BrokerUnavailable(GatewayError):
    """Redis cannot be asked now."""
