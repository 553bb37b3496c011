"""The parts of sockjs-tornado that we stand on; nothing else imports it.

It was last released in 2021, and warns at import of an API that Tornado has since removed and
that it brings along itself.
"""

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="@asynchronous is deprecated")
    warnings.filterwarnings("ignore", message="(invalid escape sequence|.* is an invalid escape)")
    from sockjs.tornado.basehandler import PreflightHandler
    from sockjs.tornado.conn import SockJSConnection
    from sockjs.tornado.router import SockJSRouter
    from sockjs.tornado.session import CLOSED, CLOSING, CONNECTING, OPEN, ConnectionInfo
    from sockjs.tornado.session import Session as SockJSSession
    from sockjs.tornado.transports.pollingbase import PollingTransportBase

__all__ = [
    "CLOSED",
    "CLOSING",
    "CONNECTING",
    "OPEN",
    "ConnectionInfo",
    "PollingTransportBase",
    "PreflightHandler",
    "SockJSConnection",
    "SockJSRouter",
    "SockJSSession",
]
