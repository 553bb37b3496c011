"""``{% sockgate_client %}``: the browser client, its configuration and a first token.

There is no inline script: the configuration is a data block, which no browser executes, so that a
Content-Security-Policy of ``script-src 'self'`` holds. A page with a token varies by cookie.
"""

import logging
from typing import Any

from django import template
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from redis import RedisError

from .. import conf
from ..errors import SessionSettling
from ..tokens import IssuedToken, issue_token

CONFIG_ID = "sockgate-config"
SCRIPT = "djangoauth/sockgate.js"

log = logging.getLogger("djangoauth")
register = template.Library()


@register.simple_tag(takes_context=True)
def sockgate_client(context: Context) -> SafeString:
    """Load the client; ``Sockgate.connect()`` then needs no arguments."""
    request = context.get("request")
    if request is None:
        raise ImproperlyConfigured(
            "{% sockgate_client %} needs the context processor "
            "django.template.context_processors.request."
        )
    config = json_script(client_config(request), CONFIG_ID)
    return format_html("{}\n{}", config, _script(static(SCRIPT), _nonce(context, request)))


def client_config(request: HttpRequest) -> dict[str, Any]:
    """Give what the client needs to connect from this page; ``token`` is None for a stranger."""
    config, issued = conf.current(), _issue_or_log(request)
    return {
        "url": config.gateway_url,
        "token": issued and issued.text,
        "expiresIn": issued and issued.expires_in_s,
        "tokenUrl": reverse("sockgate:token"),
        "grantUrl": reverse("sockgate:grant"),
        "transports": config.transports,
        "csrfToken": get_token(request),
        "csrfCookieName": _readable_csrf_cookie(),
        "csrfHeaderName": settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-"),
    }


def _issue_or_log(request: HttpRequest) -> IssuedToken | None:
    # The page is worth more than its pushes: the client will ask for a token by itself.
    try:
        return issue_token(request)
    except SessionSettling:
        return None
    except RedisError:
        log.exception("A page goes without its first token: Redis does not answer")
        return None


def _readable_csrf_cookie() -> str | None:
    is_hidden = settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY
    return None if is_hidden else settings.CSRF_COOKIE_NAME


def _nonce(context: Context, request: HttpRequest) -> str:
    # Django 6 has it in the context, django-csp on the request; both make it on first use, and
    # Django's is false until then.
    nonce = context.get("csp_nonce")
    if nonce is None:
        nonce = getattr(request, "csp_nonce", None)
    return "" if nonce is None else str(nonce)


def _script(src: str, nonce: str) -> SafeString:
    if nonce:
        return format_html('<script src="{}" nonce="{}"></script>', src, nonce)
    return format_html('<script src="{}"></script>', src)
