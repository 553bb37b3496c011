"""``{% sockgate_client %}``: the browser client, its configuration and a first token.

``{% sockgate_session_guard %}`` covers the page when its login ends, and warns before.

There is no inline script. The configuration is a data block, which browsers do not execute, so
that a Content-Security-Policy of ``script-src 'self'`` is enough. The response of a page with a
token varies by cookie.

Django imports this module with the first template of any kind. So what issues tokens and grants,
with itsdangerous and msgspec, is imported when a page uses the tag.
"""

import logging
from collections.abc import Iterable
from typing import Any, cast

from django import template
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .. import conf
from ..access.reminder import AUTHORIZE_REMINDER
from ..errors import AuthorizeMissing, SessionChangePending
from ..live.fragment import LiveFragment, kept
from ..live.page import page_of
from ..live.script_tags import nonce_of, order_tag, preload_tag, script_tag
from ..redis_clients import redis_errors
from ..redis_clients.breaker import PAGES, BreakerOpen
from ..redis_clients.time_budget import time_budget
from ..sessions.base import RecordedSession

SCRIPT = "sockgate/sockgate.js"
SCRIPT_WITH_SOCKJS = "sockgate/sockgate-full.js"
"""For old browsers. Those before 2017 cannot parse ``SCRIPT``, and execute this one."""

SOCKJS = "sockgate/sockgate-sockjs.js"
"""``SCRIPT`` loads it where WebSocket fails."""

SHARED = "sockgate/sockgate-shared.js"
"""``SCRIPT`` loads it with ``shared``, and as a SharedWorker."""

HTML = "sockgate/sockgate-html.js"
"""Shows what ``publish_html`` publishes, beside the script of ``{% live %}``."""

GUARD = "sockgate/sockgate-guard.js"
"""Warns before the login of a page ends, and covers the page afterwards."""

BADGE = "sockgate/badge.js"
"""Shows the state of the client in the page, in ``DEBUG`` only."""

log = logging.getLogger("sockgate")
register = template.Library()
register.tag("live", LiveFragment.parse)


@register.simple_tag
def live_keep(*attributes: str) -> SafeString:
    """Let a refresh leave the element around this tag alone, or attributes of it.

    Raises:
        TemplateSyntaxError: a name is not that of an attribute.
    """
    return kept(attributes)


@register.simple_tag(takes_context=True)
def sockgate_client(
    context: Context,
    channels: str | Iterable[str] = (),
    *,
    shared: bool = False,
    live: bool = False,
) -> SafeString:
    """Load the client; ``Sockgate.connect()`` then needs no arguments.

    Args:
        context: of the template.
        channels: names, or a text with names between spaces. The page carries their grants, so that
            ``rt.subscribe`` needs no request for them. A channel that ``AUTHORIZE`` refuses is left
            out.
        shared: the tabs of one login share one connection, where the browser can do that.
        live: load the script of ``{% live %}``, too, and one that shows what ``publish_html``
            publishes; they connect by themselves.
    """
    request = _request_of(context, "sockgate_client")
    names = channels.split() if isinstance(channels, str) else channels
    values = client_config(request, names) | ({"shared": True} if shared else {})
    if live and request.method not in ("GET", "HEAD"):
        # Forms with this token show what somebody has typed: no push may take it from them.
        values["posted"] = str(context.get("csrf_token", ""))
    nonce = nonce_of(context, request)
    config = order_tag("client", values, nonce)
    tags = _client_tags(nonce)
    if shared:
        tags.insert(0, preload_tag(static(SHARED), nonce))
    if live:
        tags.append(page_of(context, request).script(context))
        tags.append(script_tag(static(HTML), nonce, is_deferred=True))
    if settings.DEBUG:
        tags.append(script_tag(static(BADGE), nonce))
    return format_html("{}\n{}", config, format_html_join("\n", "{}", ([tag] for tag in tags)))


@register.simple_tag(takes_context=True)
def sockgate_session_guard(
    context: Context, warn: float = 120, *, dialog: bool = True, cover: bool = True
) -> SafeString:
    """Warn before the login of this page ends, and cover the page at once when it has ended.

    A page without a login stays as it is: no script, no request, no cookie.

    Args:
        context: of the template.
        warn: seconds before the end.
        dialog: False: no dialog; the page shows its own, on the event ``session-expiring``.
        cover: False: the content stays visible when the login has ended.
    """
    request = _request_of(context, "sockgate_session_guard")
    if isinstance(warn, bool) or not isinstance(warn, int | float) or not 0 < warn < float("inf"):
        raise ImproperlyConfigured(
            "{% sockgate_session_guard %}: warn must be a number of seconds above 0, not "
            f"{warn!r}."
        )
    from ..access.session_guard import guard_config, login_place, page_texts

    with time_budget(conf.current().page_timeout):
        login = guard_config(request)
    if login is None:
        return SafeString("")
    values = {
        **login,
        "sessionUrl": reverse("sockgate:session"),
        "warn": warn,
        "dialog": bool(dialog),
        "cover": bool(cover),
        **login_place(),
        **page_texts(),
        **_csrf_config(request),
    }
    nonce = nonce_of(context, request)
    config = order_tag("guard", values, nonce)
    return format_html("{}\n{}", config, script_tag(static(GUARD), nonce))


@register.simple_tag(takes_context=True)
def task_progress(context: Context, progress_id: Any, label: str = "") -> SafeString:
    """Show the progress of a work of this user; see ``sockgate.progress``.

    Args:
        context: of the template.
        progress_id: ``bar.id``, or the id of a tracked task.
        label: the name of the bar, which is shown above it.
    """
    from ..live.progress import bar

    return bar(context, _request_of(context, "task_progress"), progress_id, label)


def client_config(request: HttpRequest, channels: Iterable[str] = ()) -> dict[str, Any]:
    """Return the configuration with which the client connects from this page.

    ``channels`` are those whose grants the page carries.

    ``token`` is None without a session, or while Redis does not answer. The client then requests
    one from ``tokenUrl``. With ``loginRequired``, the view there would refuse, and the client
    requests nothing.
    """
    config = conf.current()
    with time_budget(config.page_timeout):
        first = _first_token(request)
        grants = _first_grants(request, channels) if first["token"] else {}
    return {
        "url": conf.gateway_url_for(request),
        **first,
        **grants,
        "tokenUrl": reverse("sockgate:token"),
        "grantUrl": reverse("sockgate:grant"),
        "transports": config.transports,
        "sockjsUrl": static(SOCKJS),
        "sharedUrl": static(SHARED),
        **_csrf_config(request, has_token="loginRequired" not in first),
    }


def _request_of(context: Context, tag: str) -> HttpRequest:
    request = context.get("request")
    if request is None:
        raise ImproperlyConfigured(
            f"{{% {tag} %}} needs the context processor django.template.context_processors.request."
        )
    return cast(HttpRequest, request)


def _csrf_config(request: HttpRequest, *, has_token: bool = True) -> dict[str, Any]:
    return {
        **(_csrf_token(request) if has_token else {}),
        "csrfCookieName": _readable_csrf_cookie(),
        "csrfHeaderName": settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-"),
    }


def _client_tags(nonce: str) -> list[SafeString]:
    """Return the tag of the script that needs no second one, as far as the setting shows.

    A browser that knows ``nomodule`` does not load that script. An older one may not be able to
    parse ``SCRIPT``. Both execute their script in its place in the page.
    """
    transports = conf.current().transports
    if transports is not None and "websocket" not in transports:
        return [script_tag(static(SCRIPT_WITH_SOCKJS), nonce)]
    return [
        script_tag(static(SCRIPT), nonce),
        script_tag(static(SCRIPT_WITH_SOCKJS), nonce, is_for_old_browsers=True),
    ]


def _first_token(request: HttpRequest) -> dict[str, Any]:
    # The page must not wait for Redis: without a token, the client requests one. While a change of
    # the session is pending, `request.user` must not be read.
    from ..access.tokens import issue_token

    none = {"token": None, "expiresIn": None}
    try:
        with PAGES.guard():
            issued = issue_token(request)
    except (SessionChangePending, BreakerOpen):
        return none
    except redis_errors.RedisError as error:
        log.warning("A page is sent without its first token, which it requests later: %s", error)
        return none
    if issued is None:
        return none if conf.current().anonymous else {**none, "loginRequired": True}
    return {"token": issued.text, "expiresIn": issued.expires_in_s}


def _first_grants(request: HttpRequest, channels: Iterable[str]) -> dict[str, Any]:
    from ..access.grants import issue_grants

    try:
        with PAGES.guard():
            issued = issue_grants(request, channels)
    except AuthorizeMissing as error:
        if AUTHORIZE_REMINDER.is_due():
            log.warning("%s", error)
        return {}
    except (SessionChangePending, BreakerOpen):
        return {}
    except redis_errors.RedisError as error:
        log.warning("A page is sent without grants, which it requests later: %s", error)
        return {}
    grants = {
        name: {"grant": grant.text, "expires_in": grant.expires_in_s}
        for name, grant in issued.items()
    }
    return {"grants": grants} if grants else {}


def _csrf_token(request: HttpRequest) -> dict[str, Any]:
    # Django sets a cookie, or starts a session, for a page that has the token.
    _mark_csrf_session(request)
    return {"csrfToken": get_token(request)}


def _mark_csrf_session(request: HttpRequest) -> None:
    """Mark a session that holds only this page's CSRF token as a visitor's, which ends soon."""
    session = request.session
    is_new = isinstance(session, RecordedSession) and session.session_key is None
    if settings.CSRF_USE_SESSIONS and is_new and session.is_empty():
        session.mark_visitor()  # type: ignore[attr-defined]


def _readable_csrf_cookie() -> str | None:
    is_hidden = settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY
    return None if is_hidden else settings.CSRF_COOKIE_NAME
