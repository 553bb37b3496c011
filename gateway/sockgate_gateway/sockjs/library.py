"""The parts of sockjs-tornado that we use; no other module imports it.

Its last release is of 2021. At import it warns of an API that Tornado has removed since, and that
it contains itself.
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
