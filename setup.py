"""What the package index shows: README.md with links that work there, and the project's addresses.

All other metadata is in setup.cfg. The address of the repository is not written down: it is that of
the checkout's remote ``origin``, or the variable ``SOCKGATE_HOME``. An sdist keeps it in PKG-INFO.
Without an address, relative links are replaced by the names of their files.
"""

import os
import re
import subprocess
from email.parser import HeaderParser
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
IMAGE = re.compile(r"!\[[^\]]*\]\((?!\w+:)[^)]*\)\n*")
LINK = re.compile(r"\[(`?)([^\]`]*)`?\]\((?!\w+:)([^)#]*)(#[^)]*)?\)")
COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
SSH = re.compile(r"(?:ssh://)?git@([\w.-]+)[:/](.+)")
PAGES = {"Documentation": "docs/django.md", "Changelog": "CHANGELOG.md"}


def description(page: str, home: str = "") -> str:
    """Return the page without relative links.

    Args:
        page: in Markdown.
        home: the address of the repository; empty: it is unknown, and links become file names.
    """

    def replace(link: re.Match[str]) -> str:
        tick, text, path, anchor = link.groups(default="")
        if home:
            place = page_of(home, path) + anchor if path else f"{home}{anchor}"
            return f"[{tick}{text}{tick}]({place})"
        return f"`{path}`" if text == path else f"{text} (`{path}`)"

    return LINK.sub(replace, IMAGE.sub("", COMMENT.sub("", page)))


def page_of(home: str, path: str) -> str:
    """Return the address at which GitHub, GitLab and Forgejo show a file of the main branch."""
    return f"{home}/blob/HEAD/{path}"


def addresses(home: str) -> dict[str, str]:
    """Return the project's addresses for the index; none without the repository's."""
    if not home:
        return {}
    return {"Source": home, "Issues": f"{home}/issues"} | {
        name: page_of(home, path) for name, path in PAGES.items()
    }


def find_home() -> str:
    """Return the address of the repository; empty: it is unknown."""
    return os.environ.get("SOCKGATE_HOME") or home_in_sdist(ROOT) or home_of(_origin()) or ""


def home_in_sdist(folder: Path) -> str:
    """Return the address that an sdist was built with."""
    try:
        fields = HeaderParser().parsestr((folder / "PKG-INFO").read_text(encoding="utf-8"))
    except OSError:
        return ""
    named = (field.partition(", ") for field in fields.get_all("Project-URL", []))
    return next((address for name, _, address in named if name == "Source"), "")


def home_of(remote: str) -> str:
    """Return the web address of a Git remote; empty: it has none, such as a folder."""
    address = SSH.sub(r"https://\1/\2", remote.strip()).removesuffix("/").removesuffix(".git")
    is_public = address.startswith("https://") and "@" not in address
    return address if is_public else ""


def _origin() -> str:
    if not (ROOT / ".git").exists():  # Another repository may be around an sdist.
        return ""
    command = ["git", "-C", str(ROOT), "remote", "get-url", "origin"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


if __name__ == "__main__":
    home = find_home()
    readme = ROOT.joinpath("README.md").read_text(encoding="utf-8")
    setup(long_description=description(readme, home), project_urls=addresses(home))
