"""Live models that follow nothing, named by ``manage.py check``."""

import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from sockgate.checks.settings import TAG

CALL = "from sockgate import live_model\norders = live_model(None, str)\n"


@pytest.fixture
def shop(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an app, without files but its package."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "shop_w010").mkdir()
    (tmp_path / "shop_w010" / "__init__.py").touch()
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "shop_w010"]
    return tmp_path / "shop_w010"


def messages() -> list[str]:
    return [one.msg for one in run_checks(tags=[TAG]) if one.id == "sockgate.W010"]


def test_live_models_of_modules_that_nothing_imports_are_named(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "pages").mkdir()
    for name in ("pages/__init__.py", "live.py", "test_live.py", "imported.py"):
        (shop / name).write_text(CALL)
    (shop / "other.py").write_text("# live_model(Order)\nx = not_live_model(1)\n")
    monkeypatch.setitem(sys.modules, "shop_w010.imported", sys)
    (message,) = messages()
    assert "live_model is called in shop_w010.live, shop_w010.pages, which" in message
    for name in ("live", "pages"):
        monkeypatch.setitem(sys.modules, f"shop_w010.{name}", sys)
    assert messages() == []
