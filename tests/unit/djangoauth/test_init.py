import subprocess
import sys

import pytest

import djangoauth


@pytest.mark.parametrize("name", djangoauth.__all__)
def test_public_name_can_be_imported(name: str) -> None:
    assert getattr(djangoauth, name).__name__ == name


def test_public_names_are_listed() -> None:
    assert set(djangoauth.__all__) == set(djangoauth._HOME_OF)
    assert set(djangoauth.__all__) <= set(dir(djangoauth))


def test_other_names_are_missing() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        djangoauth.nothing  # noqa: B018


def test_import_loads_no_models() -> None:
    program = "import sys, djangoauth; sys.exit(any(m.startswith('django.') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
