"""``<script>`` tags: those that load a script, and the data blocks that give scripts their orders.

A page may show HTML that a user wrote, whose ids and attributes sanitizers keep. So the browser's
scripts take orders from ``<script type="application/json" data-sockgate="...">`` alone.
"""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString


def shared_by_tags(context: Context) -> dict[str, Any]:
    """Return a dict that all tags of the page share, those of included templates too."""
    # That of the outermost template. Each included template has one of its own behind it.
    shared: dict[str, Any] = context.render_context.dicts[1]  # type: ignore[assignment]
    return shared


def nonce_of(context: Context, request: HttpRequest) -> str:
    """Return the nonce of the page's scripts; empty without one."""
    # Django 6 has the nonce in the context, django-csp on the request. Both create it on first use,
    # and Django's is false until then.
    nonce = context.get("csp_nonce")
    if nonce is None:
        nonce = getattr(request, "csp_nonce", None)
    return "" if nonce is None else str(nonce)


_JSON_ESCAPES = {ord(char): f"\\u{ord(char):04X}" for char in "<>&"}


def order_tag(kind: str, data: Any, nonce: str = "") -> SafeString:
    """Return a data block for the browser's scripts, which browsers do not execute.

    Args:
        kind: ``client``, ``guard``, ``progress``, ``live``, as in ``clientjs/src/base/orders.js``.
        data: is written as JSON.
        nonce: of the page. A block with the nonce comes before blocks without, from wherever.
    """
    text = json.dumps(data, cls=DjangoJSONEncoder).translate(_JSON_ESCAPES)
    block = '<script type="application/json" data-sockgate="{}"{}>{}</script>'
    return format_html(block, kind, _nonce_attribute(nonce), SafeString(text))


def preload_tag(src: str, nonce: str) -> SafeString:
    """Return the tag that lets a browser load a script which another one will ask for."""
    return format_html('<link rel="preload" as="script" href="{}"{}>', src, _nonce_attribute(nonce))


def script_tag(
    src: str, nonce: str, *, is_for_old_browsers: bool = False, is_deferred: bool = False
) -> SafeString:
    """Return the tag of a script.

    Args:
        src: its URL.
        nonce: of the page; may be empty.
        is_for_old_browsers: browsers since 2017 do not load it.
        is_deferred: it is executed when the page is complete.
    """
    when = " nomodule" if is_for_old_browsers else " defer" if is_deferred else ""
    return format_html('<script src="{}"{}{}></script>', src, _nonce_attribute(nonce), when)


def _nonce_attribute(nonce: str) -> str:
    return format_html(' nonce="{}"', nonce) if nonce else ""
