"""For the tests of sites that use Sockgate, with Django's ``TestCase`` or with pytest.

* ``capture_publications()`` and ``RealtimeTestCase``: what was published; they need no server.
* ``REDIS_URL = "memory://"``: sessions, tokens and grants without a Redis.
* ``RealtimeLiveServerTestCase``, and the pytest fixture ``realtime``: the real gateway, and tabs.

``docs/testing.md`` explains all of it. The names are loaded on first use, because models must not
be imported before Django is set up.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .browsers import expect_event, watch_events
    from .capture import capture_publications
    from .cases import RealtimeTestCase
    from .fixtures import Publications
    from .live_cases import RealtimeLiveServerTestCase
    from .publications import CapturedPublications, Publication
    from .realtime import Realtime
    from .tab import Tab

_MODULE_OF = {
    "CapturedPublications": "publications",
    "Publication": "publications",
    "Publications": "fixtures",
    "Realtime": "realtime",
    "RealtimeLiveServerTestCase": "live_cases",
    "RealtimeTestCase": "cases",
    "Tab": "tab",
    "capture_publications": "capture",
    "expect_event": "browsers",
    "watch_events": "browsers",
}

__all__ = [
    "CapturedPublications",
    "Publication",
    "Publications",
    "Realtime",
    "RealtimeLiveServerTestCase",
    "RealtimeTestCase",
    "Tab",
    "capture_publications",
    "expect_event",
    "watch_events",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
