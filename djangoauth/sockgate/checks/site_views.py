"""Every view of ``sockgate.urls``, requested at the address at which browsers open the site.

Strategy: a proxy that lists the views by hand forgets the next one, and pages notice it first when
they need that view. So each view is requested as a visitor's script would, with a GET and without a
cookie. Such a request has no effect. A view that takes GET refuses a visitor in JSON (401), and one
that does not answers 405 with ``Allow``. Nothing that answers in its place does either.
"""

from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException

from django.core.checks import CheckMessage, Info, Warning  # noqa: A004
from django.urls import NoReverseMatch, URLPattern, get_resolver, reverse
from sockgate_gateway.wire.documentation import address_of

from ..conf.gateway_variables import origins_of_site
from .site_http import Answer, request

TIMEOUT_S = 4.0
_APP = "sockgate"
_REFUSALS = (401, 503)


def view_paths() -> list[str]:
    """Return the paths of the views on this site; none: the site does not include them."""
    return [*_reversed(_view_names())]


def _view_names() -> list[str]:
    """Name the views of ``sockgate.urls``, as the site includes them."""
    resolver = get_resolver()
    namespaces = resolver.app_dict.get(_APP, ())
    if not namespaces:
        return []
    _, included = resolver.namespace_dict[_APP if _APP in namespaces else namespaces[0]]
    return [str(one.name) for one in included.url_patterns if isinstance(one, URLPattern)]


def _reversed(names: list[str]) -> Iterator[str]:
    for name in names:
        with suppress(NoReverseMatch):
            yield reverse(f"{_APP}:{name}")


def request_view(url: str, timeout_s: float) -> Answer:
    """Request a view as a script of a visitor does; raises as ``site_http.request``."""
    return request("GET", url, timeout_s=timeout_s, headers={"Accept": "application/json"})


def is_of_view(answer: Answer) -> bool:
    """Check that a view of ``sockgate.urls`` has answered ``request_view``."""
    if answer.status == 405:
        return "Allow" in answer.headers
    return answer.status in _REFUSALS and "error" in answer.fields


def misdirected(paths: list[str], answer: Answer) -> str:
    """Say which views are not reached, and what answers in their place."""
    by = "the gateway answers" if answer.is_of_gateway else "something else answers"
    return f"In place of Django's {', '.join(paths)}, {by}: {answer.shown}."


def view_problems() -> Iterator[CheckMessage]:
    """Report views that the site's address does not lead to (W122), and no answer there (I102)."""
    origin = next((one for one in origins_of_site() if "*" not in one), "")
    found: list[tuple[str, Answer]] = []
    try:
        for path in view_paths() if origin else ():
            answer = request_view(origin + path, TIMEOUT_S)
            if not is_of_view(answer):
                found.append((path, answer))
    except (OSError, HTTPException, ValueError) as error:
        cause = str(error) or type(error).__name__
        yield Info(
            f"The views of sockgate.urls were not tried: {origin} does not answer here: {cause}.",
            hint="On a host that reaches the site, manage.py sockgate_doctor tries them.",
            id="sockgate.I102",
        )
    if found:
        yield Warning(
            f"At {origin}: {misdirected([path for path, _ in found], found[0][1])}",
            hint="Let the proxy pass only the gateway's own paths to the gateway, and all else to "
            f"Django ({address_of('deploy.md#behind-nginx')}).",
            id="sockgate.W122",
        )
