"""The documentation site, built: messages lead to places that it serves, and its pages show all."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from sockgate.management.doctor import advice, site
from sockgate_gateway.config.config import Config
from sockgate_gateway.wire.documentation import DOCUMENTATION, address_of

from docs.drawings import draw
from docs.states import TABLES
from docs.states import draw as draw_table

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (ROOT / "gateway" / "sockgate_gateway", ROOT / "djangoauth" / "sockgate")
EXPLAIN = """
import { explain } from "./closecodes.js";
import { CloseCode } from "./contract.js";
import { HINTS } from "./hints.js";
const codes = new Set([0, 1006, ...Object.keys(HINTS), ...Object.values(CloseCode)]);
console.log(JSON.stringify([...codes].map((code) => explain({ code, reason: "" }))));
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [*command, ROOT / "docs", folder], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder


def calls_in(package: Path) -> Iterator[ast.Call]:
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def places_in_python() -> Iterator[str]:
    """Yield what is passed to ``address_of``; the doctor passes its anchors to one page."""
    for call in (call for package in PACKAGES for call in calls_in(package)):
        match call:
            case ast.Call(func=ast.Name("address_of"), args=[ast.Constant(str(place))]):
                yield place
            case ast.Call(
                func=ast.Name("StepFailed" | "Peer"), args=[_, _, ast.Constant(str(anchor))]
            ) if anchor:
                yield f"troubleshooting.md#{anchor}"
    failures = [*site._FAILURES.values(), site._CATCH_ALL]
    yield from (f"troubleshooting.md#{failure[-1]}" for failure in failures)
    for code in (*advice._MEANINGS, 9999):
        yield f"troubleshooting.md#{advice.explain_close(code, '').anchor}"


def warnings_of_the_client() -> list[str]:
    done = subprocess.run(
        ["node", "--input-type=module", "-e", EXPLAIN],
        cwd=ROOT / "clientjs" / "src" / "wire",
        check=True,
        capture_output=True,
    )
    return json.loads(done.stdout)


def is_served(folder: Path, address: str) -> bool:
    page, _, anchor = address.removeprefix(DOCUMENTATION).partition("#")
    return (folder / page).is_file() and (
        not anchor or f' id="{anchor}"' in (folder / page).read_text("utf-8")
    )


def test_messages_of_python_lead_to_places_of_the_site(built: Path) -> None:
    addresses = {address_of(place) for place in places_in_python()}
    assert len(addresses) > 25
    assert [address for address in addresses if not is_served(built, address)] == []


def test_warnings_of_the_client_lead_to_places_of_the_site(built: Path) -> None:
    addresses = [text.split(" ")[-1] for text in warnings_of_the_client()]
    assert len(addresses) > 20
    assert all(address.startswith(DOCUMENTATION) for address in addresses)
    assert [address for address in addresses if not is_served(built, address)] == []


def test_a_place_that_is_not_in_the_site_is_noticed(built: Path) -> None:
    assert is_served(built, address_of("deploy.md#several-hosts"))
    assert not is_served(built, address_of("deploy.md#no-such-heading"))
    assert not is_served(built, f"{DOCUMENTATION}deploy.html.md")


def test_every_page_has_a_twin_that_shows_what_it_generates(built: Path) -> None:
    pages = (built / "llms.txt").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        twin = (built / page.name).read_text("utf-8")
        assert f"({page.name})" in pages
        assert re.findall(r"^```\{.*", twin, re.MULTILINE) == []
    assert "sockgate.publish(" in (built / "python-api.md").read_text("utf-8")
    assert "sockgate.client." in (built / "python-api.md").read_text("utf-8")
    assert "interface " in (built / "javascript-api.md").read_text("utf-8")


def test_reference_has_the_tables_of_the_code(built: Path) -> None:
    twin = (built / "reference.md").read_text("utf-8")
    options = {f"`SOCKGATE_{option.name.upper()}`" for option in fields(Config)}
    commands = (ROOT / "djangoauth/sockgate/management/commands").glob("[!_]*.py")
    wanted = {*options, *(f"`{path.stem}`" for path in commands), "`{% live %}`"}
    assert [name for name in wanted if f"| {name} |" not in twin] == []
    assert "Refresh what is up to" in twin


@pytest.mark.parametrize("name", TABLES)
def test_state_diagrams_are_drawn(built: Path, name: str) -> None:
    drawing = draw(draw_table(TABLES[name]))
    assert drawing in (built / "states.html").read_text("utf-8")
    for state, following in TABLES[name].transitions.items():
        assert f">{state.name.lower()}</text>" in drawing
        for event, target in following.items():
            assert f">{'↻ ' if target is state else ''}{event.value}</text>" in drawing
