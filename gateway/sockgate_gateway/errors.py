"""The errors of the gateway.

GatewayError
 +-- ConfigError         the configuration cannot be used; ``problems`` lists why
 +-- Disconnect          a connection must end; carries the close code
 +-- Rejected            one frame is rejected; carries the code for the client
 +-- BrokerUnavailable   Redis does not answer now
"""

from collections.abc import Sequence

from .wire.closecodes import CloseCode


class GatewayError(Exception):
    """An error that the gateway itself raises."""


class ConfigError(GatewayError):
    """The configuration cannot be used.

    Args:
        problems: one sentence each, beginning with the name of the variable.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Disconnect(GatewayError):
    """A connection is refused, or must end.

    Args:
        code: sent to the client, with its generic reason.
        cause: written to the log.
    """

    def __init__(self, code: CloseCode, cause: str = "") -> None:
        super().__init__(cause or code.reason)
        self.code = code


class Rejected(GatewayError):
    """One frame is rejected; the connection stays.

    Args:
        code: for programs.
        message: for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class BrokerUnavailable(GatewayError):
    """Redis does not answer now."""


class RegistryForbidden(GatewayError):
    """The Redis user may not use the registry of deployments."""
