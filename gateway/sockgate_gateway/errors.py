"""The errors of the gateway.

GatewayError
 +-- ConfigError         the configuration cannot be used; ``problems`` lists why
 +-- Disconnect          a connection must end; carries the close code
 +-- Rejected            one frame is rejected; carries the code for the client
 +-- BrokerUnavailable   Redis does not answer now
      +-- OwnConnectionsBusy   this worker has no free connection to Redis, which has not failed
"""

from collections.abc import Sequence

from .wire.closecodes import CloseCode, come_back_in, needs_fresh_token


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
        come_back_s: when the client shall come back, in whole seconds; 0: as the code says.
        refusal: why a connect is refused, one word; empty: the connection ends otherwise.
    """

    def __init__(
        self, code: CloseCode, cause: str = "", *, come_back_s: int = 0, refusal: str = ""
    ) -> None:
        super().__init__(cause or code.reason)
        self.code = code
        self.come_back_s = come_back_s
        self.refusal = refusal

    @property
    def reason(self) -> str:
        """What the client receives."""
        if not self.come_back_s:
            return self.code.reason
        if needs_fresh_token(self.code):
            return come_back_in(self.come_back_s, self.code.reason)
        return come_back_in(self.come_back_s)


class Rejected(GatewayError):
    """One frame is rejected; the connection stays.

    Args:
        code: for programs.
        message: for people.
        is_revoked: the grant is a good one, and was revoked.
    """

    def __init__(self, code: str, message: str, *, is_revoked: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.is_revoked = is_revoked


class BrokerUnavailable(GatewayError):
    """Redis does not answer now."""


class OwnConnectionsBusy(BrokerUnavailable):
    """This worker has no free connection to Redis, which has not failed."""


class RegistryForbidden(GatewayError):
    """The Redis user may not use the registry of deployments."""
