from typing import Any

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize(
    "site", ["www.example.com", "http://", "http://[", "http://a:port", "ftp://a"]
)
def test_site_that_is_no_url_is_an_error(site: str) -> None:
    with pytest.raises(CommandError, match="Name the site"):
        call_command("sockgate_doctor", site=site)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), 1e9])
def test_time_that_no_timer_takes_is_an_error(timeout: float) -> None:
    with pytest.raises(CommandError, match="--timeout must be"):
        call_command("sockgate_doctor", site="http://127.0.0.1:8000", timeout=timeout)


def test_tenant_that_cannot_be_is_an_error(settings: Any) -> None:
    with pytest.raises(CommandError, match=r"--tenant: SOCKGATE\[.TENANT.\] is not set"):
        call_command("sockgate_doctor", site="http://127.0.0.1:8000", tenant="acme")
    settings.SOCKGATE = {**settings.SOCKGATE, "TENANT": lambda: ""}
    with pytest.raises(CommandError, match="--tenant: "):
        call_command("sockgate_doctor", site="http://127.0.0.1:8000", tenant="a b")
