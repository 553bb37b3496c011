"""docs/protocol.md lists every close code with its reason."""

import re
from pathlib import Path

import pytest
from sockgate_gateway.wire.closecodes import CloseCode

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
ROW = re.compile(r"^\|\s*`?(\d{4})`?\s*\|\s*`?\"?([^|`\"]+?)\"?`?\s*\|", re.MULTILINE)

pytestmark = pytest.mark.e2e


def test_protocol_page_names_every_close_code_with_its_reason():
    rows = {int(code): reason for code, reason in ROW.findall(PAGE.read_text())}
    ours = {code: reason for code, reason in rows.items() if code >= min(CloseCode)}
    assert ours == {int(code): code.reason for code in CloseCode}
