"""The description on the package index: README.md without relative links, which lead nowhere there.

All other metadata is in setup.cfg.
"""

import re
from pathlib import Path

from setuptools import setup

IMAGE = re.compile(r"!\[[^\]]*\]\((?!\w+:)[^)]*\)\n*")
LINK = re.compile(r"\[`?([^\]`]*)`?\]\((?!\w+:)([^)#]*)[^)]*\)")
COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)


def without_relative_links(page: str) -> str:
    """Replace each relative link by the name of its file, which the source archive contains."""
    return LINK.sub(_name_file, IMAGE.sub("", COMMENT.sub("", page)))


def _name_file(link: re.Match[str]) -> str:
    text, path = link.groups()
    return f"`{path}`" if text == path else f"{text} (`{path}`)"


if __name__ == "__main__":
    readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    setup(long_description=without_relative_links(readme))
