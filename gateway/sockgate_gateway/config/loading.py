"""Reads a configuration from flags and the environment. A flag wins over a variable."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..errors import ConfigError
from ..wire.surrogates import has_lone_surrogate
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
    named = {_place_of(problem) for problem in problems}
    problems += [it for it in find_problems(config) if _place_of(it) not in named]
    if problems:
        raise ConfigError(problems)
    return config


def _place_of(problem: str) -> str:
    return problem.partition(":")[0]


def _parse(texts: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems = []
    for field in fields(Config):
        if field.name not in texts:
            continue
        if has_lone_surrogate(texts[field.name]):
            problems.append(f"{variable(field.name)}: has a byte that is not UTF-8")
            continue
        kind = field.metadata["kind"]
        try:
            values[field.name] = kind.read(texts[field.name])
        except ValueError:
            problems.append(f"{variable(field.name)}: must be {kind.expected}")
    return values, problems
