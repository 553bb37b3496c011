"""Reads a configuration from flags and the environment. A flag wins over a variable."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..errors import ConfigError
from .checks import find_problems
from .config import Config, variable
from .variables import find_unknown, read_variables


def load(flags: Mapping[str, str], environ: Mapping[str, str]) -> Config:
    """Build a configuration from flags (by field name) and the environment.

    Raises:
        ConfigError: lists every problem.
    """
    values, problems = _parse({**read_variables(environ), **flags})
    problems += find_unknown(environ)
    config = Config(**values)
    problems += find_problems(config)
    if problems:
        raise ConfigError(problems)
    return config


def _parse(texts: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems = []
    for field in fields(Config):
        if field.name not in texts:
            continue
        kind = field.metadata["kind"]
        try:
            values[field.name] = kind.read(texts[field.name])
        except ValueError:
            problems.append(f"{variable(field.name)}: must be {kind.expected}")
    return values, problems
