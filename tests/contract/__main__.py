"""Writes what is written from the contract: ``python -m tests.contract``."""

from tests.contract.files import files


def main() -> None:
    for path, text in files().items():
        path.write_text(text, "utf-8")


main()
