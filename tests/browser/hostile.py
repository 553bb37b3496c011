"""HTML of attackers, as sanitizers leave it: what a page may show of its users.

Each attack is aimed at one place where a script could take an order from content. Elements ``<a>``
are among them because they have a property ``text``, as scripts do.
"""

import json
import subprocess
from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path

import bleach
import nh3

EVIL = "evil.example"

_PURIFY = Path(__file__).parents[1] / "node" / "purify.mjs"


def _data(**values: object) -> str:
    return escape(json.dumps(values))


_CLIENT = _data(
    url=f"https://{EVIL}/realtime",
    tokenUrl=f"https://{EVIL}/token/",
    sockjsUrl=f"//{EVIL}/sockjs.js",
    sharedUrl=f"//{EVIL}/shared.js",
    transport="sockjs",
    shared=True,
    loginRequired=False,
)
_GUARD = _data(
    sessionUrl=f"https://{EVIL}/session/",
    user="1",
    expiresIn=1e9,
    extendsTo=1e9,
    cover=False,
    dialog=False,
    loginUrl=f"https://{EVIL}/login/",
)
_PROGRESS = _data(url=f"https://{EVIL}/progress/", lang="en", texts={"done": "forged"})
_REPORT = {"id": "forged", "run": 9, "n": 9, "state": "done", "done": 1, "total": 1, "message": ""}

_BLOCKS = "".join(
    f'<{tag} id="sockgate{middle}-config" data-sockgate="{kind}" type="application/json">'
    f"{text}</{tag}>"
    for tag in ("p", "div", "a")
    for kind, middle, text in (
        ("client", "", _CLIENT),
        ("guard", "-guard", _GUARD),
        ("progress", "-progress", _PROGRESS),
    )
)
_GLOBALS = "".join(
    f'<a id="{name}" name="{name}"></a><form id="{name}"><input name="connect"></form>'
    for name in (
        "Sockgate",
        "SockgateBadge",
        "SockgateLive",
        "SockgateShared",
        "SockgateSockJS",
        "SockgateGuard",
        "htmx",
        "sockgateLive",
        "trustedTypes",
        "BroadcastChannel",
        "CSSStyleSheet",
        "Element",
        "Document",
        "Reflect",
        "SharedWorker",
        "Symbol",
        "customElements",
        "localStorage",
        "navigator",
        "sockgate client",
    )
)
_DOCUMENT = "".join(
    f'<img name="{name}" alt=""><form name="{name}"><input name="call"></form>'
    for name in (
        "addEventListener",
        "adoptedStyleSheets",
        "baseURI",
        "body",
        "cookie",
        "createElement",
        "currentScript",
        "documentElement",
        "getElementById",
        "getElementsByTagName",
        "head",
        "querySelector",
        "querySelectorAll",
        "readyState",
        "title",
        "visibilityState",
    )
)
_FORMS = (
    '<form><input name="csrfmiddlewaretoken" value="forged"></form>'
    '<meta name="csrf-token" content="forged">'
    '<a data-nonce="forged" nonce="forged" id="nonce"></a>'
)
_BARS = (
    f'<a data-sockgate="bar">{_data(id="forged", report=None)}</a>'
    '<form><input name="matches"></form><sockgate-progress '
    f'progress-id="forged" state="running" report="{escape(json.dumps(_REPORT))}">'
    "<progress></progress> <span>forged</span></sockgate-progress>"
)
_SPIES: dict[str, object] = {f"spy{number}": {"grant": None} for number in range(1500)}
_ORDERS = _data(id="live-orders", rate=0.001, every=1, url="/forged/", channels=_SPIES)
_LIVE = "".join(
    f'<p><{tag} id="live-orders" class="errorlist" data-sockgate-live="{_data(**_SPIES)}"'
    f' data-sockgate-rate="0.001" data-sockgate="live">{_ORDERS}</{tag}></p>'
    for tag in ("span", "a")
)
_KEPT = (
    '<p data-sockgate-keep class="errorlist">kept<a data-sockgate="keep">[]</a></p>'
    '<p data-sockgate="keep" role="alert">[]</p>'
    '<form contenteditable="true"><input name="selectedOptions"></form>'
    '<p>chosen <input type="radio" name="z" checked><input type="radio" name="z" checked></p>'
)

FRONTENDS = (
    '<div hx-ext="sockgate" data-hx-ext="sockgate"><p sg-channel="spy" sg-on="paid" '
    'data-sg-channel="spy" data-hx-trigger="sg:touch">spied</p></div>'
    '<sockgate-stream-source channel="spy" data-channel="spy"></sockgate-stream-source>'
)
"""Channels for the htmx extension and for Turbo Streams, which are no data blocks."""

ATTACKS = {
    "blocks": _BLOCKS,
    "globals": _GLOBALS,
    "document": _DOCUMENT,
    "forms": _FORMS,
    "bars": _BARS,
    "live": _LIVE,
    "kept": _KEPT,
}
"""By what they forge: data blocks; globals; properties of the document; tokens and nonces; bars of
progress; channels and addresses of live fragments; parts of them that a refresh leaves alone."""


def purify(html: str) -> str:
    """Sanitize with DOMPurify and its defaults."""
    run = subprocess.run(
        ["node", str(_PURIFY)], input=html, text=True, capture_output=True, check=True
    )
    return run.stdout


def loosely(html: str) -> str:
    """Sanitize as sites do that keep names, forms and elements of their own, and no script."""
    attributes = {"id", "name", "type", "value", "content", "nonce", "alt", "state", "report"}
    more = {"form", "input", "meta", "progress", "sockgate-progress", "a", "p", "div", "img"}
    return nh3.clean(
        html,
        tags=nh3.ALLOWED_TAGS | more,
        attributes={"*": attributes | {"progress-id", "class", "role", "contenteditable"}},
        generic_attribute_prefixes={"data-"},
    )


SANITIZERS: dict[str, Callable[[str], str]] = {
    "dompurify": purify,
    "nh3": nh3.clean,
    "bleach": bleach.clean,
    "loose": loosely,
}


@cache
def sanitized(by: str, attack: str = "") -> str:
    """Return what a sanitizer leaves of an attack; default: of all."""
    return SANITIZERS[by](ATTACKS[attack] if attack else "".join(ATTACKS.values()))
