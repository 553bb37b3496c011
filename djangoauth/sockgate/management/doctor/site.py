"""The running Django site, as a page of it uses it: the token view."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from sockgate_gateway.wire.documentation import address_of

from ... import conf
from ...checks.site_http import MAX_SHOWN, Answer
from ...checks.site_views import is_of_view, misdirected, request_view, view_paths
from ...conf import gateway_variables
from ...conf.defaults import debug_defaults
from ...tenants import current_tenant
from .http import Peer, exchange, reachable
from .report import StepFailed
from .visit import Visit

DEVELOPMENT_SITE = "http://127.0.0.1:8000"
"""Where ``manage.py runserver`` serves by default."""

DJANGO = Peer(
    "Django",
    "Start the site, or name its URL with --site, as a browser sees it.",
    "doctor-site",
)


class Origin(StrEnum):
    """Where the URL of the site comes from; the value is what the report says."""

    OPTION = "named by --site"
    RUNSERVER = "of the runserver of this project"
    SETTINGS = "by ALLOWED_HOSTS or CSRF_TRUSTED_ORIGINS; --site names another"
    ASSUMED = "assumed, because no runserver of this project runs; --site names another"


def find_site(option: str | None) -> tuple[str, Origin]:
    """Return the site's URL, and where it comes from; an empty URL: the settings do not say.

    Args:
        option: the URL that the caller has named; None or empty: find one.
    """
    if option:
        return option, Origin.OPTION
    if not settings.DEBUG:
        origins = gateway_variables.origins_of_site()
        return next((one for one in origins if "*" not in one), ""), Origin.SETTINGS
    if served := debug_defaults.site_url():
        return served, Origin.RUNSERVER
    return DEVELOPMENT_SITE, Origin.ASSUMED


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the token view answers: a token, and the gateway's URL for this site."""

    token: str
    gateway_url: str


class Site:
    """The running site.

    Args:
        url: under which browsers open it.
        timeout_s: for one response.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._page = parts.path or "/"
        self._timeout_s = timeout_s

    def request_token(self, visit: Visit) -> Ticket:
        """POST to the token view with the cookies of a visit.

        Raises:
            StepFailed: the answer is not a token; it says why.
        """
        url = self.origin + _token_path()
        headers = {
            "Cookie": visit.cookies,
            "Origin": self.origin,
            "Referer": f"{self.origin}/",
            "Content-Type": "application/x-www-form-urlencoded",
            settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-"): visit.csrf_token,
        }
        answer = exchange(DJANGO, "POST", url, timeout_s=self._timeout_s, headers=headers, body="")
        fields = answer.fields
        if answer.status == 200 and isinstance(fields.get("token"), str):
            return Ticket(fields["token"], self._gateway_url(fields.get("url")))
        raise _failure(answer, url)

    def fetch_page(self, visit: Visit) -> Answer:
        """GET the page that the URL of the site names, with the cookies of a visit."""
        url, headers = self.origin + self._page, {"Cookie": visit.cookies, "Accept": "text/html"}
        return exchange(DJANGO, "GET", url, timeout_s=self._timeout_s, headers=headers)

    def try_views(self) -> str:
        """Request every view of ``sockgate.urls``; return how many there are.

        Raises:
            StepFailed: something else answers in place of one.
        """
        paths = view_paths()
        answers = {path: self._request_view(path) for path in paths}
        wrong = [path for path in paths if not is_of_view(answers[path])]
        if wrong:
            raise StepFailed(misdirected(wrong, answers[wrong[0]]), *_MISDIRECTED)
        return f"{len(paths)} at {self.origin}"

    def _request_view(self, path: str) -> Answer:
        with reachable(DJANGO, self.origin + path):
            return request_view(self.origin + path, self._timeout_s)

    def _gateway_url(self, answered: Any) -> str:
        own = conf.gateway_url_at(self.origin)
        url = (answered if isinstance(answered, str) and answered else own).rstrip("/")
        absolute = f"{self.origin}{url}" if url.startswith("/") else url
        return _checked(absolute)


def _checked(gateway_url: str) -> str:
    try:
        parts = urlsplit(gateway_url)
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise StepFailed(
            f"The site names a gateway at {gateway_url[:MAX_SHOWN]!a}, not an http(s) URL.",
            'Correct SOCKGATE["GATEWAY_URL"].',
            "gateway-not-running",
        )
    return gateway_url


def _token_path() -> str:
    try:
        return reverse("sockgate:token")
    except NoReverseMatch as error:
        raise StepFailed(
            "The token view has no URL.",
            'Add path("realtime/", include("sockgate.urls")) to the URLs.',
            "url-behind-a-catch-all",
        ) from error


_FAILURES = {
    400: (
        "Django refuses the request, mostly because of its host",
        "Add the host of --site to ALLOWED_HOSTS.",
        "doctor-site",
    ),
    401: (
        "The running site does not know the session that these settings have just created",
        "Restart the site, so that it has the same SESSION_ENGINE, SECRET_KEY, "
        'SESSION_COOKIE_NAME and SOCKGATE["REDIS_URL"] as this command.',
        "close-401",
    ),
    403: (
        "Django accepts no CSRF token from this origin",
        "Name the site with --site as a browser sees it, or add it to CSRF_TRUSTED_ORIGINS. "
        "Behind a proxy that ends TLS, set SECURE_PROXY_SSL_HEADER.",
        "close-403",
    ),
    404: (
        "The running site has no token view there",
        'Add path("realtime/", include("sockgate.urls")) to the URLs, above every catch-all '
        "such as include(wagtail_urls), and restart the site.",
        "url-behind-a-catch-all",
    ),
    503: (
        "The running site cannot reach Redis",
        'Check SOCKGATE["REDIS_URL"] of the running site, and its log.',
        "redis-does-not-answer",
    ),
}
_CATCH_ALL = (
    "Another view than Sockgate's answers there",
    'Move path("realtime/", include("sockgate.urls")) above every pattern that matches this URL, '
    "and restart the site. A proxy may also send the path elsewhere.",
    "url-behind-a-catch-all",
)


_MISDIRECTED = (
    "Let the proxy pass only the gateway's own paths to the gateway, and all else to Django "
    f"({address_of('deploy.md#behind-nginx')}). Restart a site that runs an earlier version.",
    "doctor-site",
)
_GATEWAY_ANSWERS = ("The gateway answers in place of Django", *_MISDIRECTED)
_TLS_ONLY = (
    "The server there speaks TLS only",
    "Name the site with https:// in --site.",
    "doctor-site",
)
_NGINX_WANTS_TLS = "HTTP request was sent to HTTPS port"


def _failure(answer: Answer, url: str) -> StepFailed:
    if answer.status in (301, 302, 303, 307, 308):
        return _redirected(answer, url)
    cause, mend, anchor = _explanation(answer)
    return StepFailed(
        f"{cause}: {url} answers {answer.shown}.", mend + _tenant_hint(answer), anchor
    )


def _explanation(answer: Answer) -> tuple[str, str, str]:
    if answer.is_of_gateway:
        return _GATEWAY_ANSWERS
    if answer.status == 400 and _NGINX_WANTS_TLS in answer.body:
        return _TLS_ONLY
    return _FAILURES.get(answer.status, _CATCH_ALL)


def _redirected(answer: Answer, url: str) -> StepFailed:
    target = _target_of(answer, url)
    if target == url:
        mend = (
            "Django takes HTTPS for HTTP: let the proxy set X-Forwarded-Proto, and set "
            "SECURE_PROXY_SSL_HEADER."
        )
    else:
        mend = "Name the site's real URL with --site, and exempt the token view from redirects."
    return StepFailed(f"{url} redirects to {target[:200]!a}.", mend, "doctor-site")


def _target_of(answer: Answer, url: str) -> str:
    location = answer.headers.get("Location", "")
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _tenant_hint(answer: Answer) -> str:
    tenant = current_tenant() if answer.status == 401 else ""
    return f" --site must be an address of the tenant {tenant}." if tenant else ""
