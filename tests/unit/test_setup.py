"""The description on the package index has no relative links."""

import re
from pathlib import Path
from runpy import run_path

import pytest

ROOT = Path(__file__).resolve().parents[2]
without_relative_links = run_path(str(ROOT / "setup.py"))["without_relative_links"]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("see [docs/django.md](docs/django.md).", "see `docs/django.md`."),
        ("see [`docs/a.md`](docs/a.md#there).", "see `docs/a.md`."),
        ("([measured](docs/performance.md))", "(measured (`docs/performance.md`))"),
        ("a\n![Two\nbrowsers](docs/demo.png)\n\nb", "a\nb"),
        ("<!-- at the release -->\nb", "b"),
        ("[Channels](https://channels.readthedocs.io/)",) * 2,
    ],
)
def test_description_names_the_files_of_relative_links(page: str, expected: str) -> None:
    assert without_relative_links(page) == expected


def test_description_of_the_package_has_absolute_links_only() -> None:
    page = without_relative_links((ROOT / "README.md").read_text())
    assert "`docs/django.md`" in page
    assert re.findall(r"\]\((?!https?:)[^)]*\)", page) == []


def test_description_does_not_claim_a_release() -> None:
    page = re.sub(r"<!--.*?-->", "", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert not re.search(r"pip install [\"']?sockgate\b", page)


def test_client_has_the_license_of_the_project() -> None:
    license_text = (ROOT / "LICENSE").read_text()
    assert (ROOT / "clientjs" / "LICENSE").read_text() == license_text
