"""Versions of our dependencies with a known hole, for the checks that warn of them.

The table lists security fixes from the packages' own release notes, as far as they matter here.
``setup.cfg`` excludes those of the gateway's packages, but one may be installed all the same. Of
Django it admits every version of its series, because a site pins its own. Programs such as
pip-audit ask a server on the Internet, which a check of Django must not.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Advisory:
    """One or several holes that the same releases fixed.

    Args:
        package: the name of the distribution.
        fixed_in: the first safe version of each series that was fixed.
        hole: what an attacker could do, and the CVE ids, if there are any.
    """

    package: str
    fixed_in: tuple[Version, ...]
    hole: str

    def concerns(self, installed: Version) -> bool:
        """Return whether a version has the hole."""
        of_series = [safe for safe in self.fixed_in if safe[:2] == installed[:2]]
        return installed < (of_series[0] if of_series else max(self.fixed_in))


ADVISORIES = (
    Advisory(
        "django",
        ((5, 2, 19), (6, 0, 10), (6, 1, 3)),
        "memory exhaustion by multipart uploads, private pages given from the cache, and more "
        "(CVE-2026-108147, CVE-2026-113593, CVE-2026-111211, CVE-2026-111362, CVE-2026-114582)",
    ),
    Advisory(
        "tornado",
        ((6, 5, 0),),
        "a multipart body floods the log; missing and double Host headers are accepted "
        "(CVE-2025-47287)",
    ),
    Advisory(
        "tornado",
        ((6, 5, 3),),
        "one multipart body, or one request with repeated headers, blocks a worker for seconds "
        "(CVE-2025-67726, CVE-2025-67725)",
    ),
    Advisory("tornado", ((6, 5, 5),), "a multipart body with very many parts blocks a worker"),
    Advisory("tornado", ((6, 5, 6),), "three bytes are read past an array (CVE-2026-49854)"),
    Advisory("tornado", ((6, 5, 8),), "a form with very many arguments blocks a worker"),
    Advisory("tornado", ((6, 5, 9),), "an address with very many arguments blocks a worker"),
    Advisory("tornado", ((6, 6, 1),), "percent-encoded addresses block a worker"),
    Advisory(
        "redis",
        ((4, 5, 4),),
        "a cancelled command leaves its reply to another one (CVE-2023-28858, CVE-2023-28859)",
    ),
    Advisory(
        "cryptography",
        ((46, 0, 5),),
        "points of public keys are not checked, so that a signature may be forged (CVE-2026-26007)",
    ),
)

GATEWAY_PACKAGES = frozenset({"tornado", "redis"})
"""The packages that the gateway uses; Django may be installed beside it."""


def known_holes(
    packages: Iterable[str] | None = None, version_of: Callable[[str], str] = version
) -> Iterator[str]:
    """Describe the known holes of each installed package, and name the safe version.

    Args:
        packages: names of distributions; None: all in the table.
        version_of: returns the installed version.
    """
    wanted = dict.fromkeys(advisory.package for advisory in ADVISORIES)
    for package in wanted if packages is None else filter(set(packages).__contains__, wanted):
        try:
            text = version_of(package)
        except PackageNotFoundError:
            continue
        yield from _holes_of(package, text)


def _holes_of(package: str, text: str) -> Iterator[str]:
    installed = _read(text)
    found = [it for it in ADVISORIES if it.package == package and it.concerns(installed)]
    if found:
        safe = " or ".join(map(_write, _safe_versions(package)))
        holes = "; ".join(advisory.hole for advisory in found)
        yield f"{package} {text} has known holes: {holes}. Install {safe}, or newer"


def _safe_versions(package: str) -> tuple[Version, ...]:
    return max((it.fixed_in for it in ADVISORIES if it.package == package), key=max)


def _read(text: str) -> Version:
    """Read a version; ``6.1`` is ``6.1.0``, and a suffix after the numbers is ignored."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    numbers = tuple(map(int, found[0].split("."))) if found else ()
    return numbers + (0,) * (3 - len(numbers))


def _write(numbers: Version) -> str:
    return ".".join(map(str, numbers))
