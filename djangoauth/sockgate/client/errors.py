"""The errors of the client.

ClientError
 +-- CredentialsError      no token or grant could be fetched
 +-- ConnectionClosed      the connection is closed, and the client does not reconnect
 +-- NotConnected          the request needs a connection, and there is none now
 +-- RequestRejected       the gateway or the site has rejected a request

``TimeoutError`` of Python is raised where an answer did not arrive in time.
"""


class ClientError(Exception):
    """The client cannot do what was requested."""


class CredentialsError(ClientError):
    """A token or a grant could not be fetched. A source of credentials raises it.

    Args:
        reason: for people.
        status: the HTTP status; 0 without a response.
        is_final: another request would be useless.
    """

    def __init__(self, reason: str, status: int = 0, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.is_final = is_final


class ConnectionClosed(ClientError):
    """The connection is closed for good.

    Args:
        code: a close code of docs/protocol.md, or the HTTP status of the token view.
        reason: for people.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code}: {reason}")
        self.code = code
        self.reason = reason


class NotConnected(ClientError):
    """There is no connection now. The client may be connecting again."""


class RequestRejected(ClientError):
    """A request was rejected; the connection goes on.

    Args:
        code: an error code of docs/protocol.md, such as ``not_allowed``.
        message: for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
