import subprocess
import sys

import pytest
import sockgate


@pytest.mark.parametrize("name", sockgate.__all__)
def test_public_name_can_be_imported(name: str) -> None:
    assert getattr(sockgate, name).__name__ == name


def test_public_names_are_listed() -> None:
    assert set(sockgate.__all__) == set(sockgate._MODULE_OF)
    assert set(sockgate.__all__) <= set(dir(sockgate))


def test_other_names_raise_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        sockgate.nothing  # noqa: B018


def test_import_loads_no_models() -> None:
    program = "import sys, sockgate; sys.exit(any(m.startswith('django.') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
