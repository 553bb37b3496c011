import shlex
import subprocess
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

HARD = """redis://:a"b$c`d\\e'f@10.0.0.5/0"""


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "REDIS_URL": HARD}


def printed(*flags: str) -> str:
    out = StringIO()
    call_command("sockgate_env", *flags, stdout=out)
    return out.getvalue()


def lines(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def test_secrets_are_left_out_unless_they_are_requested(settings: Any) -> None:
    text = printed()
    assert HARD not in text
    assert not any(key in text for key in settings.SOCKGATE["SIGNING_KEYS"])
    assert "# SOCKGATE_SIGNING_KEYS is a secret: add --secrets to print it" in text
    assert "export SOCKGATE_KEY_PREFIX=sockgate:" in text


def test_shell_reads_the_values() -> None:
    text = printed("--secrets")
    command = [*shlex.split("env -i sh -c"), f'{text}\nprintf %s "$SOCKGATE_REDIS_URL"']
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == HARD


def test_systemd_reads_the_values() -> None:
    value = lines(printed("--secrets", "--format", "systemd"))["SOCKGATE_REDIS_URL"]
    # In double quotes, systemd and the shell have the same escapes; see systemd.exec(5).
    command = ["sh", "-c", f"printf %s {value}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == HARD


def test_value_with_a_line_break_is_refused(settings: Any) -> None:
    settings.SOCKGATE = {**settings.SOCKGATE, "SIGNING_KEYS": ["a\nb" * 20]}
    with pytest.raises(CommandError, match="SOCKGATE_SIGNING_KEYS has a control character"):
        printed("--secrets")
