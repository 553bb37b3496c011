"""``{% live "orders" %} … {% endlive %}``: a part of a page that follows ``touch("orders")``.

The tag writes one element, and in it, as its last child, a data block with what the browser's
script needs: an id, the channels and their grants. The script fetches the address again after a
touch, and takes the element whose block has the id. So a viewer sees what the view gives them, and
the id must be the same each time the page is rendered. ``{% live_keep %}`` writes one, too.
"""

import logging
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Node, NodeList, TemplateSyntaxError
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.templatetags.cache import CacheNode
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .page import page_of
from .script_tags import order_tag

USAGE = '{% live "channel" … [id="…"] [tag="div"] [class="…"] [every=60] %}'
KEEP_USAGE = '{% live_keep ["attribute" …] %}, inside of the element that is kept'

MAX_EVERY = 86400

log = logging.getLogger("sockgate")

_TAG = re.compile(r"[a-z][a-z0-9-]*")
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_:.-]*")
_UNSAFE_IN_ID = re.compile(r"[^A-Za-z0-9_-]+")
_ELEMENTS = (
    "address article aside blockquote caption details dialog div dl fieldset figcaption figure "
    "footer header hgroup label legend main menu nav ol output search section summary table tbody "
    "td tfoot th thead tr ul"
)
"""Parsers of HTML let them contain blocks and a script, and nothing that a sanitizer leaves in them
ends them: not ``li``, which another one ends, nor ``button``, ``form`` and ``h1``."""

_INPUT = re.compile(r"""<input\b((?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>""", re.IGNORECASE)
_FIELD = re.compile(
    r"""(?<![^\s"'/])(name|type|value)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.IGNORECASE
)

_TOKEN_FIELD = "csrfmiddlewaretoken"


class LiveFragment(Node):
    """The node of one ``{% live %}``.

    Args:
        channels: each a string, or a list of strings.
        attributes: of the element; ``tag`` is its name.
        nodelist: its content.
    """

    def __init__(
        self,
        channels: list[FilterExpression],
        attributes: dict[str, FilterExpression],
        nodelist: NodeList,
    ) -> None:
        self.nodelist = nodelist
        self._channels = channels
        self._attributes = attributes

    @classmethod
    def parse(cls, parser: Parser, token: Token) -> "LiveFragment":
        """Refresh what is up to ``{% endlive %}`` when one of its channels is touched.

        Raises:
            TemplateSyntaxError: there is no channel, or an attribute that the tag writes itself.
        """
        bits = token.split_contents()[1:]
        channels: list[FilterExpression] = []
        while bits and not re.match(r"\w+=", bits[0]):
            channels.append(parser.compile_filter(bits.pop(0)))
        attributes = token_kwargs(bits, parser)
        if bits or not channels:
            raise TemplateSyntaxError(f"{{% live %}} is used so: {USAGE}")
        for name in attributes:
            if name.startswith(("on", "data_sockgate")) or name in ("contenteditable", "style"):
                raise TemplateSyntaxError(f"{{% live %}} cannot have the attribute {name!r}.")
        nodelist = parser.parse(("endlive",))
        parser.delete_first_token()
        _warn_of_cache(parser, nodelist)
        return cls(channels, attributes, nodelist)

    def render(self, context: Context) -> SafeString:
        """Render the element.

        Raises:
            ChannelNameError: a text is not a channel name.
            TemplateSyntaxError: a channel is empty, or the id is not unique.
            ImproperlyConfigured: the context has no request.
        """
        # An included template with ``only`` has no variables, but is still of a request.
        request = context.get("request") or getattr(context, "request", None)
        if request is None:
            raise ImproperlyConfigured(
                "{% live %} needs the context processor django.template.context_processors.request."
            )
        page, channels = page_of(context, request), self._resolved_channels(context)
        attributes = {
            name.replace("_", "-"): value
            for name, expression in self._attributes.items()
            if (value := expression.resolve(context)) is not None and value is not False
        }
        tag = _checked_tag(attributes.pop("tag", "div"))
        every = _checked_every(attributes.pop("every", None))
        element_id = _checked_id(attributes.setdefault("id", _id_of(channels)))
        page.claim(element_id)
        # Before the content is rendered: a right that is revoked meanwhile makes the grants void,
        # and what changes meanwhile is touched after them.
        orders = page.orders(element_id, channels)
        if every:
            orders["every"] = every
        content = self.nodelist.render(context)
        if hidden := _hidden_fields(content):
            orders["hidden"] = hidden
        if token := _token_in(content, context):
            orders["token"] = token
        return format_html(
            "{}<{}{}>{}{}</{}>",
            page.script(context),
            tag,
            format_html_join("", ' {}="{}"', attributes.items()),
            content,
            order_tag("live", orders),
            tag,
        )

    def _resolved_channels(self, context: Context) -> list[str]:
        given = [(one.token, one.resolve(context)) for one in self._channels]
        return list(dict.fromkeys(name for pair in given for name in _names(*pair)))


def _warn_of_cache(parser: Parser, nodelist: NodeList) -> None:
    if any(command == "cache" for command, _ in parser.command_stack):
        log.warning(
            "{%% cache %%} around {%% live %%} in %s: it keeps the grants of one viewer for "
            "others, whom the gateway refuses",
            parser.origin,
        )
    elif settings.DEBUG and nodelist.get_nodes_by_type(CacheNode):
        log.warning(
            "{%% cache %%} inside {%% live %%} in %s: a refresh shows what is cached; delete the "
            "entry before touch",
            parser.origin,
        )


def _names(source: str, value: Any) -> Iterator[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple | set | frozenset):
        raise TemplateSyntaxError(f"{{% live {source} %}}: {source} must be a text or a list.")
    for name in names:
        if not isinstance(name, str) or not name:
            raise TemplateSyntaxError(
                f"{{% live {source} %}}: {source} is not the name of a channel."
            )
        yield name


def _checked_tag(tag: Any) -> str:
    is_custom = isinstance(tag, str) and "-" in tag and _TAG.fullmatch(tag)
    if tag not in _ELEMENTS.split() and not is_custom:
        raise TemplateSyntaxError(
            f"{{% live %}}: tag must be an element that can contain blocks, not {tag!r}: one of "
            f"{_ELEMENTS}, or a custom element."
        )
    return str(tag)


def _hidden_fields(content: str) -> list[str]:
    """Return ``name=value`` of each hidden field: what differs in the page was set by a script."""
    found = []
    # As browsers read it: each end of a line is one character.
    text = content.replace("\r\n", "\n").replace("\r", "\n")
    for field in _INPUT.findall(text):
        parts = {name.lower(): "".join(rest) for name, *rest in reversed(_FIELD.findall(field))}
        if parts.get("type", "").lower() == "hidden":
            found.append(unescape(f"{parts.get('name', '')}={parts.get('value', '')}"))
    return list(dict.fromkeys(found))


def _token_in(content: str, context: Context) -> str:
    """Return the CSRF token of the page's forms; empty where none has it.

    It is new in each page, so content that a user wrote cannot have it. By it the browser's script
    knows the site's own forms, whose text and errors it must neither lose nor give to others.
    """
    if _TOKEN_FIELD not in content:
        return ""
    token = str(context.get("csrf_token"))
    return token if f'"{token}"' in content else ""


def _checked_every(value: Any) -> int:
    """Return seconds; 0 without them."""
    try:
        seconds = 0 if value is None else int(value)
    except (TypeError, ValueError):
        seconds = -1
    if value is not None and not 1 <= seconds <= MAX_EVERY:
        raise TemplateSyntaxError(
            f"{{% live %}}: every must be a number of seconds from 1 to {MAX_EVERY}."
        )
    return seconds


def kept(names: tuple[Any, ...]) -> SafeString:
    """Return the block of ``{% live_keep %}``: its parent, or attributes of it, are left alone.

    Raises:
        TemplateSyntaxError: a name is not that of an attribute, or of one that holds a script.
    """
    for name in names:
        if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name) or name.startswith("on"):
            raise TemplateSyntaxError(f"{{% live_keep %}} is used so: {KEEP_USAGE}")
    return order_tag("keep", names)


def _checked_id(value: Any) -> str:
    if not re.fullmatch(r"\S+", str(value)):
        raise TemplateSyntaxError("{% live %}: the id must be a text without spaces.")
    return str(value)


def _id_of(channels: list[str]) -> str:
    return "live-" + _UNSAFE_IN_ID.sub("-", "-".join(channels))
