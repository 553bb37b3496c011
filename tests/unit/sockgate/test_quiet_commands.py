"""No usage error of a management command quotes what was typed: it may be a secret."""

from pathlib import Path

import pytest
import sockgate.management
from django.core.management import find_commands, load_command_class

CANARY = "canary" * 6
COMMANDS = find_commands(str(Path(sockgate.management.__file__).parent))
NEEDS_USER = ("sockgate_disconnect", "sockgate_listen", "sockgate_why")
WRONG = (
    (f"--signing-keys={CANARY}",),
    ("--redis-url", CANARY),
    (CANARY,),
    (f"--{CANARY}",),
    (f"--skip-checks={CANARY}",),
    ("--verbosity", CANARY),
    ("--verbosity", "9" + CANARY + "'\" (choose"),
    ("--timeout", CANARY),
    ("--count", CANARY),
    ("--format", CANARY),
)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("arguments", WRONG, ids=lambda arguments: arguments[0][:14])
def test_usage_error_quotes_no_value(
    capfd: pytest.CaptureFixture[str], name: str, arguments: tuple[str, ...]
) -> None:
    command = load_command_class("sockgate", name)
    command._called_from_command_line = True
    parser = command.create_parser("manage.py", name)
    given = [*(["--user", "alice"] if name in NEEDS_USER else []), *arguments]
    try:
        parser.parse_args(given)
    except SystemExit as exit_:
        assert exit_.code == 2
        output = "".join(capfd.readouterr())
        assert "error: " in output
        assert CANARY not in output
    else:
        # The gateway has the same rule for its flags, and the other text is an address.
        assert name == "sockgate_gateway" or (name, given) == ("runserver", [CANARY])
