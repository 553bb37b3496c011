from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError

import pytest
from sockgate_gateway.advisories import ADVISORIES, GATEWAY_PACKAGES, known_holes

from tests.floors import floors

SAFE = {"django": "6.1.3", "tornado": "6.6.1", "redis": "8.1.0", "cryptography": "46.0.5"}


def installed(**others: str) -> Callable[[str], str]:
    versions: Mapping[str, str] = {**SAFE, **others}

    def version_of(package: str) -> str:
        if not versions[package]:
            raise PackageNotFoundError(package)
        return versions[package]

    return version_of


def test_safe_versions_have_no_advisories() -> None:
    assert list(known_holes(None, installed())) == []


def test_installed_versions_have_no_advisories() -> None:
    assert list(known_holes(GATEWAY_PACKAGES)) == []


@pytest.mark.parametrize("version", ["5.2.19", "5.2.20", "6.0.10", "6.1.3", "6.2", "7.0a1"])
def test_fixed_django_is_safe(version: str) -> None:
    assert list(known_holes(None, installed(django=version))) == []


@pytest.mark.parametrize("version", ["4.2.30", "5.1.15", "5.2", "5.2.18", "6.0", "6.0.9", "6.1"])
def test_vulnerable_django_is_reported_with_a_safe_version_of_each_series(version: str) -> None:
    (hole,) = known_holes(None, installed(django=version))
    assert hole.startswith(f"django {version} ")
    assert "CVE-2026-108147" in hole
    assert hole.endswith("Install 5.2.19 or 6.0.10 or 6.1.3, or newer")


@pytest.mark.parametrize(
    ("version", "reported", "not_reported"),
    [
        ("6.4.2", "CVE-2025-47287", "nothing"),
        ("6.5", "CVE-2025-67726", "CVE-2025-47287"),
        ("6.5.2", "CVE-2025-67726", "CVE-2025-47287"),
        ("6.5.10", "percent-encoded", "CVE-2025-67726"),
        ("6.6", "percent-encoded", "arguments"),
    ],
)
def test_vulnerable_tornado_is_reported_with_the_advisories_of_its_version(
    version: str, reported: str, not_reported: str
) -> None:
    (hole,) = known_holes(GATEWAY_PACKAGES, installed(tornado=version))
    assert reported in hole
    assert not_reported not in hole
    assert hole.endswith("Install 6.6.1, or newer")


def test_only_the_named_packages_are_checked() -> None:
    assert list(known_holes(GATEWAY_PACKAGES, installed(django="5.2"))) == []
    assert list(known_holes(None, installed(django="", redis="", cryptography=""))) == []


def test_setup_admits_no_vulnerable_version_for_the_gateway() -> None:
    lowest = dict(floors())  # Django's has holes: its newest versions are a site's own decision.
    assert {advisory.package for advisory in ADVISORIES} <= set(lowest)
    assert list(known_holes(GATEWAY_PACKAGES, lowest.__getitem__)) == []
