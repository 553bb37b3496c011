"""What the doctor and the client refer to exists in docs/troubleshooting.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sockgate.management.doctor import advice, site
from sockgate_gateway.wire.closecodes import CloseCode

ROOT = Path(__file__).resolve().parents[5]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
DOCTOR = sorted((ROOT / "djangoauth" / "sockgate" / "management" / "doctor").glob("*.py"))
SOURCE = (ROOT / "clientjs/src/wire/hints.js").read_text()
HINTS = re.search(r"HINTS = \{(.*?)\}", SOURCE, re.DOTALL)


def anchors() -> set[str]:
    headings = re.findall(r"^#+ +(.+?) *$", PAGE, re.MULTILINE)
    slugs = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
    return {*re.findall(r'<a id="([\w-]+)">', PAGE), *slugs}


def anchor_of(node: ast.AST) -> str:
    """Return the last argument of a call of ``StepFailed`` or ``Peer``."""
    match node:
        case ast.Call(func=ast.Name("StepFailed" | "Peer"), args=[_, _, ast.Constant(str(name))]):
            return name
    return ""


def anchors_of_the_doctor() -> Iterator[str]:
    for path in DOCTOR:
        yield from filter(None, map(anchor_of, ast.walk(ast.parse(path.read_text()))))
    yield from (failure[-1] for failure in (*site._FAILURES.values(), site._CATCH_ALL))
    yield from (str(advice.explain_close(code, "").anchor) for code in (*advice._MEANINGS, 9999))


def test_every_anchor_of_the_doctor_exists() -> None:
    used = set(anchors_of_the_doctor())
    assert len(used) > 15
    assert used - anchors() == set()


def test_every_close_code_has_an_anchor() -> None:
    assert {f"close-{int(code)}" for code in CloseCode} - anchors() == set()


def test_every_code_that_the_client_explains_has_an_anchor() -> None:
    assert HINTS
    codes = re.findall(r"^ +(\d+):", HINTS[1], re.MULTILINE)
    assert len(codes) > 5
    assert {f"close-{code}" for code in codes} - anchors() == set()
