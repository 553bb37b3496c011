"""The tables of ``reference.md``, from the code; ``conf.py`` puts them into the page."""

import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import fields

from django.core.management import load_command_class
from sockgate.management import commands
from sockgate.templatetags.sockgate import register
from sockgate_gateway.config.config import Config


def tables() -> dict[str, str]:
    """Return each table by its name in the page."""
    return {
        "options": _table(("variable", "meaning"), _options()),
        "tags": _table(("tag", "does"), _tags()),
        "commands": _table(("command", "does"), _commands()),
    }


def _options() -> Iterator[tuple[str, ...]]:
    for one in fields(Config):
        text = one.metadata["help"] + ("; no flag" if one.metadata["secret"] else "")
        default = _shown(one.default)
        said = f"{text}. Default: {default}." if default else f"{text}."
        yield f"`SOCKGATE_{one.name.upper()}`", said


def _shown(default: object) -> str:
    """Write a default as in the environment; empty: there is none."""
    if isinstance(default, bool):
        return "`yes`" if default else "`no`"
    if isinstance(default, tuple):
        return ", ".join(f"`{one}`" for one in default)
    return "" if default in (None, "") else f"`{default}`"


def _tags() -> Iterator[tuple[str, ...]]:
    for name, made in sorted(register.tags.items()):
        function = inspect.unwrap(made)
        yield f"`{{% {name} %}}`", _first_sentence(function.__doc__ or "")


def _commands() -> Iterator[tuple[str, ...]]:
    for module in pkgutil.iter_modules(commands.__path__):
        command = load_command_class("sockgate", module.name)
        parser = command.create_parser("manage.py", module.name)
        own = [
            action.option_strings[-1] if action.option_strings else f"<{action.dest}>"
            for action in parser._actions
            if action.help and not _is_of_every_command(action.option_strings)
        ]
        said = " ".join(f"`{option}`" for option in own)
        yield f"`{module.name}`", f"{command.help} {said}".strip()


_OF_EVERY_COMMAND = {
    "--help",
    "--version",
    "--verbosity",
    "--settings",
    "--pythonpath",
    "--traceback",
    "--no-color",
    "--force-color",
    "--skip-checks",
}


def _is_of_every_command(options: list[str]) -> bool:
    return any(option in _OF_EVERY_COMMAND for option in options)


def _first_sentence(docstring: str) -> str:
    return " ".join(inspect.cleandoc(docstring).partition("\n\n")[0].split()).replace("``", "`")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
