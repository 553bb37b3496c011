"""The files that are written from the contract, whole or in parts."""

import json
import re
from pathlib import Path
from typing import Any

from sockgate_gateway.wire.events import RESERVED_EVENTS

from tests.contract import documents, examples, javascript, metrics, typescript

ROOT = Path(__file__).parents[2]
_VECTORS = ROOT / "tests" / "vectors.json"
_PAGE = ROOT / "docs" / "protocol.md"
_METRICS = ROOT / "docs" / "metrics.md"
_TYPES = ROOT / "clientjs" / "src" / "sockgate.d.ts"
_SCRIPT = ROOT / "clientjs" / "src" / "wire" / "contract.js"


def files() -> dict[Path, str]:
    """Return the text of each file, as it must be."""
    return {
        _PAGE: _with_parts(_PAGE, "<!-- contract: {} -->\n", "<!-- end -->", documents.tables()),
        _METRICS: _with_parts(
            _METRICS, "<!-- {} -->\n", "<!-- end -->", {"metrics": metrics.tables()}
        ),
        _TYPES: _with_parts(_TYPES, "// contract: {}\n", "// end", typescript.regions()),
        _SCRIPT: javascript.contract_js(),
        _VECTORS: _with_examples(),
    }


def _with_parts(path: Path, begin: str, end: str, parts: dict[str, str]) -> str:
    """Return a file with each part between its two marks."""
    text = path.read_text("utf-8")
    for name, part in parts.items():
        before, mark, rest = text.partition(begin.format(name))
        _, end_mark, after = rest.partition(end)
        if not mark or not end_mark:
            raise ValueError(f"{path.name} has no part {name!r}")
        text = f"{before}{mark}{part}{end_mark}{after}"
    return text


def _with_examples() -> str:
    text = _VECTORS.read_text("utf-8")
    frames = examples.client_frames()
    lines = {
        '  "client_frames"': f'{{\n    "valid": {_lines(frames["valid"], 4)},\n'
        f'    "invalid": {_lines(frames["invalid"], 4)}\n  }}',
        '  "server_frames"': _lines(examples.gateway_frames(), 2),
        '    "ours"': _lines(examples.close_codes(), 4),
        '  "reserved_events"': _lines(sorted(RESERVED_EVENTS), 2),
    }
    for name, value in lines.items():
        indent = name.partition('"')[0]
        pattern = rf"(?ms)^{name}: [\[{{]\n.*?^{indent}[\]}}](?=,?\n)"
        text, count = re.subn(pattern, lambda _: f"{name}: {value}", text)  # noqa: B023
        if count != 1:
            raise ValueError(f"{_VECTORS.name} has no {name!r}")
    return text


def _lines(values: list[Any], indent: int) -> str:
    """Return an array with one value in each line."""
    space = " " * indent
    return "[\n" + ",\n".join(f"{space}  {json.dumps(value)}" for value in values) + f"\n{space}]"
