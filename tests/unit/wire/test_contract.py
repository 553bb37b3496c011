"""The contract is written into documents, types, scripts and vectors: ``make contract``."""

import pytest

from tests.contract.files import files


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_file_is_as_the_contract_says(path):
    assert path.read_text("utf-8") == files()[path], "run make contract, and read what has changed"
