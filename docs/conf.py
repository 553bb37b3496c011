"""The documentation site: ``make docs`` builds it with Sphinx."""

import os
import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path

import django
from django.conf import settings
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.text import TextBuilder
from sphinx.writers.text import TextTranslator

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))

from drawings import draw  # noqa: E402

ROOT = DOCS.parent
OUTSIDE = {
    "javascript": ROOT / "clientjs" / "README.md",
    "examples": ROOT / "examples" / "README.md",
    "changelog": ROOT / "CHANGELOG.md",
    "contributing": ROOT / "CONTRIBUTING.md",
    "tests": ROOT / "tests" / "README.md",
    "ends": ROOT / "tests" / "security" / "ends.md",
    "figures": ROOT / "benchmarks" / "tables.md",
}
"""Pages whose text lies outside of ``docs/``; their files in ``docs/`` only lead there."""

_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
_ANCHOR = re.compile(r'<a id="([\w-]+)"></a>')
_TABLE = re.compile(r"<!-- table: (\w+) -->")
_TOCTREE = re.compile(r"```\{toctree\}.*?^```\n+", re.MULTILINE | re.DOTALL)
_INCLUDED = re.compile(r"```\{literalinclude\} (\S+)\n:language: (\w+)\n")

settings.configure(
    SECRET_KEY="only for the documentation",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "sockgate"],
    SOCKGATE={"GATEWAY_URL": "http://127.0.0.1:9000"},
)
django.setup()

from reference import tables  # noqa: E402

TABLES = tables()

project = "Sockgate"
author = "the Sockgate developers"
release = version = version_of("sockgate")
html_title = f"Sockgate {release}"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["attrs_inline", "colon_fence"]
myst_heading_anchors = 6
suppress_warnings = ["misc.highlighting_failure"]
"""Blocks with an ellipsis are not of the language that colours them."""

text_sectionchars = "=-~^+*"
"""The first two underline headings in Markdown, too."""
copybutton_prompt_text = "$ "
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#0b6e4f", "color-brand-content": "#0b6e4f"},
    "dark_css_variables": {"color-brand-primary": "#5fd3a4", "color-brand-content": "#5fd3a4"},
}


def read_page(app: Sphinx, name: str, source: list[str]) -> None:
    """Give Sphinx the text of a page."""
    source[0] = text_of(name)


def made_elsewhere(app: Sphinx, *_: object) -> list[str]:
    """Return the pages to read each time: Sphinx does not see that what is in them has changed."""
    return [name for name in (*OUTSIDE, "reference") if name in app.env.found_docs]


def text_of(name: str) -> str:
    """Return the Markdown of a page, with links and anchors that Sphinx knows.

    Args:
        name: of the page, without ``.md``.
    """
    source = OUTSIDE.get(name, DOCS / f"{name}.md")

    def link(found: re.Match[str]) -> str:
        label, target, anchor = found[1], found[2], found[3] or ""
        if ":" in target:
            return found[0]
        path = (source.parent / target).resolve()
        if path.is_dir():
            return label
        names = [name for name, outside in OUTSIDE.items() if outside == path]
        place = f"{names[0]}.md" if names else os.path.relpath(path, DOCS)
        return f"[{label}]({place}{anchor})"

    text = _TABLE.sub(lambda found: TABLES[found[1]], source.read_text("utf-8"))
    return _ANCHOR.sub(r"[]{#\1}", _LINK.sub(link, text))


def draw_states(app: Sphinx, doctree: nodes.document) -> None:
    """Show state diagrams as drawings. In the Markdown they are text, which GitHub draws."""
    for block in list(doctree.findall(nodes.literal_block)):
        if block.get("language") == "mermaid":
            drawing = f'<div class="drawing">{draw(block.astext())}</div>'
            block.replace_self(nodes.raw("", drawing, format="html"))


def twin_of(app: Sphinx, name: str) -> str:
    """Return a page as Markdown, with what its directives generate."""
    text = _TOCTREE.sub("", text_of(name))
    text = _INCLUDED.sub(
        lambda found: f"```{found[2]}\n{(DOCS / found[1]).read_text('utf-8')}", text
    )
    if "```{eval-rst}" not in text:
        return text
    builder = TextBuilder(app, app.env)
    builder.secnumbers = {}
    writer = TextTranslator(app.env.get_and_resolve_doctree(name, builder), builder)
    writer.document.walkabout(writer)
    return writer.body


def write_twins(app: Sphinx, error: Exception | None) -> None:
    """Put each page beside its HTML as Markdown, and list them in ``llms.txt``."""
    if error or app.builder.name != "html":
        return
    lines = [f"# {project}", "", "> Real-time push for Django. The pages as Markdown:", ""]
    for name in sorted(app.env.found_docs):
        Path(app.outdir, f"{name}.md").write_text(twin_of(app, name), "utf-8")
        lines.append(f"- [{app.env.titles[name].astext()}]({name}.md)")
    Path(app.outdir, "llms.txt").write_text("\n".join(lines) + "\n", "utf-8")


def setup(app: Sphinx) -> None:
    """Connect to Sphinx's events."""
    app.connect("env-get-outdated", made_elsewhere)
    app.connect("source-read", read_page)
    app.connect("doctree-read", draw_states)
    app.connect("build-finished", write_twins)
