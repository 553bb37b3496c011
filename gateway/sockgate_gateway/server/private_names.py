"""Private names of Tornado and redis-py that the gateway uses, looked for before it starts.

Strategy: an exact upper bound in the metadata would fight with a site's own requirements at every
release. So the bounds end at the next major version, and a release that lacks one of these names is
named at the start, and not at the first request.
"""

from collections.abc import Iterator, Mapping
from dis import get_instructions
from importlib import import_module
from importlib.metadata import version
from inspect import getmro, isfunction

TESTED = {"tornado": "6.6.1", "redis": "8.1.0"}
"""The newest versions that the tests have run with."""

NAMES: Mapping[str, tuple[str, ...]] = {
    "tornado.httpserver:HTTPServer": ("_handle_connection", "_handlers", "_sockets"),
    "tornado.httpserver:_HTTPRequestContext": ("_orig_protocol", "_orig_remote_ip"),
    "tornado.iostream:IOStream": (
        "_check_max_bytes",
        "_read_buffer",
        "_total_write_done_index",
        "_total_write_index",
    ),
    "tornado.web:_HandlerDelegate": ("_body_future",),
    "tornado.web:RequestHandler": ("_break_cycles", "_finished", "_reason"),
    "redis.asyncio.connection:AbstractConnection": ("_host_error", "_writer"),
}
"""By ``module:class``."""


def problems(names: Mapping[str, tuple[str, ...]] | None = None) -> Iterator[str]:
    """Say which installed package lacks a name that the gateway uses, and what to install."""
    for place, wanted in (NAMES if names is None else names).items():
        module, _, owner = place.partition(":")
        missing = [name for name in wanted if not _has(module, owner, name)]
        if missing:
            package = module.partition(".")[0]
            yield (
                f"{package} {version(package)} lacks {', '.join(missing)} of {module}.{owner}, "
                f"which this version of Sockgate uses. Install {package}=={TESTED[package]}, or a "
                "newer Sockgate"
            )


def _has(module: str, owner: str, name: str) -> bool:
    found = getattr(import_module(module), owner, None)
    return found is not None and (hasattr(found, name) or name in _set_by_methods(found))


def _set_by_methods(owner: type) -> Iterator[str]:
    """List the attributes that the methods of a class set: only its instances have them."""
    for kind in getmro(owner):
        for member in vars(kind).values():
            if isfunction(member):
                found = get_instructions(member)
                yield from (str(it.argval) for it in found if it.opname == "STORE_ATTR")
