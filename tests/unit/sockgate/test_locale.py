"""The catalogues: complete, compiled from their sources, and with the places of values intact."""

import ast
import re
from configparser import ConfigParser
from gettext import GNUTranslations
from pathlib import Path

import pytest
from django.utils.translation import gettext, override

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "djangoauth" / "sockgate"
LANGUAGES = ("ar", "de", "es", "fr")
OF_DJANGO = {"Home"}
"""The admin's own catalogues have it, and ours must not change it elsewhere."""

CALLS = ("gettext", "gettext_lazy", "ngettext", "_")
TRANSLATE = re.compile(r"\{% translate '([^']+)' %\}")
COUNTED = re.compile(r"\{% blocktranslate count counter=\w+ %\}(.*?)\{% plural %\}")
PLACE = re.compile(r"%(?:\(\w+\))?[ds]|\{\w+\}")


def used_texts() -> set[str]:
    """Return the texts that code and templates translate."""
    texts: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in CALLS:
                text = node.args[0]
                assert isinstance(text, ast.Constant), (path, node.lineno)
                texts.add(text.value)
    for path in PACKAGE.rglob("templates/**/*.html"):
        source = path.read_text("utf-8")
        texts |= {*TRANSLATE.findall(source)}
        counted = COUNTED.findall(source)
        texts |= {re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", text) for text in counted}
    return texts


def folder(language: str) -> Path:
    return PACKAGE / "locale" / language / "LC_MESSAGES"


def source_of(language: str) -> dict[str, list[str]]:
    """Return the translations in a ``.po``, by text."""
    found: dict[str, list[str]] = {}
    for entry in (folder(language) / "django.po").read_text("utf-8").split("\n\n")[1:]:
        strings = re.findall(r'^(msg\S+) (".*")$', entry, re.MULTILINE)
        texts = [ast.literal_eval(text) for name, text in strings if name.startswith("msgstr")]
        found[ast.literal_eval(dict(strings)["msgid"])] = texts
    return found


def compiled(language: str) -> dict[str, list[str]]:
    with (folder(language) / "django.mo").open("rb") as file:
        catalog = GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found: dict[str, list[str]] = {}
    for key, text in sorted(catalog.items(), key=str):
        if key:
            found.setdefault(key if isinstance(key, str) else key[0], []).append(text)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_has_every_text_and_no_other(language: str) -> None:
    assert set(source_of(language)) == used_texts() - OF_DJANGO
    assert "Sign out everywhere" in used_texts()
    assert "%(counter)s connection" in used_texts()


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_is_that_of_the_source(language: str) -> None:
    assert compiled(language) == source_of(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translation_has_the_same_places_for_values(language: str) -> None:
    for text, translations in source_of(language).items():
        for translation in translations:
            assert translation.strip(), text
            assert sorted(PLACE.findall(translation)) == sorted(PLACE.findall(text)), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_has_as_many_plurals_as_its_language(language: str) -> None:
    header = (folder(language) / "django.po").read_text("utf-8").split("\n\n")[0]
    count = int(re.search(r"nplurals=(\d)", header)[1])  # type: ignore[index]
    assert {len(texts) for texts in source_of(language).values()} == {1, count}


@pytest.mark.parametrize("language", LANGUAGES)
def test_django_finds_the_catalogue(language: str) -> None:
    with override(language):
        assert gettext("Sign in again") == source_of(language)["Sign in again"][0]
        assert gettext("Home") != "Home"


def test_catalogues_are_packaged() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    patterns = setup["options.package_data"]["sockgate"].split()
    packaged = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    assert {folder(language) / "django.mo" for language in LANGUAGES} <= packaged


def test_every_folder_with_modules_is_packaged() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    modules = {str(path.parent.relative_to(PACKAGE.parent)) for path in PACKAGE.rglob("*.py")}
    gateway = ROOT / "gateway"
    modules |= {str(path.parent.relative_to(gateway)) for path in gateway.rglob("*.py")}
    listed = {name.replace(".", "/") for name in setup["options"]["packages"].split()}
    assert modules - listed == set()
