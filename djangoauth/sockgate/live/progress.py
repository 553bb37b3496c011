"""``{% task_progress id %}``: the bar of one work, with its present value."""

import logging
from typing import Any

from django.http import HttpRequest
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from .. import conf
from ..errors import SessionChangePending
from ..publishing.progress.records import check_id, read
from ..redis_clients import redis_errors
from ..redis_clients.breaker import PAGES, BreakerOpen
from ..redis_clients.time_budget import time_budget
from .script_tags import nonce_of, order_tag, script_tag, shared_by_tags

SCRIPT = "sockgate/sockgate-progress.js"

_KEY = "sockgate.live.progress"

log = logging.getLogger("sockgate")


def bar(context: Context, request: HttpRequest, progress_id: Any, label: str) -> SafeString:
    """Return the element of a bar; nothing for a visitor. The first of a page brings the script.

    Raises:
        ValueError: it is not the id of a progress.
    """
    progress_id = check_id(str(progress_id))
    uid, report = _report_of(request, progress_id)
    if uid is None:
        return SafeString("")
    texts = page_texts()
    state = report["state"] if report else "waiting"
    total, done = (report["total"], report["done"]) if report else (None, 0)
    value = format_html(' value="{}" max="{}"', done, total) if total else ""
    shown = (report and report["message"]) or texts[state]
    name = SafeString("") if label else format_html(' aria-label="{}"', texts["label"])
    native = format_html("<progress{}{}></progress>", name, value)
    return format_html(
        '{}{}<sockgate-progress state="{}">{} <span>{}</span></sockgate-progress>',
        _script_once(context, request, texts),
        # The element takes its orders from the block right before it.
        order_tag("bar", {"id": progress_id, "report": report}, nonce_of(context, request)),
        state,
        format_html("<label>{} {}</label>", label, native) if label else native,
        shown,
    )


def page_texts() -> dict[str, str]:
    """Return what a bar says, in the current language."""
    return {
        "label": gettext("Progress"),
        "waiting": gettext("Waiting for the start"),
        "running": gettext("In progress"),
        "retrying": gettext("Interrupted. It will be tried again."),
        "attempt": gettext("Try {number}"),
        "done": gettext("Finished"),
        "failed": gettext("Failed"),
        "stalled": gettext("No news for a while"),
    }


def _report_of(request: HttpRequest, progress_id: str) -> tuple[str | None, dict[str, Any] | None]:
    from ..access.session_guard import page_uid

    with time_budget(conf.current().page_timeout):
        try:
            with PAGES.guard():
                uid = page_uid(request)
                found = {} if uid is None else read(uid, [progress_id])
        except (SessionChangePending, BreakerOpen):
            return "", None
        except redis_errors.RedisError as error:
            log.warning("A page is sent without a progress, which it requests later: %s", error)
            return "", None
    return uid, found.get(progress_id)


def _script_once(context: Context, request: HttpRequest, texts: dict[str, str]) -> SafeString:
    shared = shared_by_tags(context)
    if shared.get(_KEY):
        return SafeString("")
    shared[_KEY] = True
    values = {"url": reverse("sockgate:progress"), "lang": get_language(), "texts": texts}
    nonce = nonce_of(context, request)
    config = order_tag("progress", values, nonce)
    return format_html("{}\n{}\n", config, script_tag(static(SCRIPT), nonce))
