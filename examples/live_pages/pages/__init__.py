"""A small shop whose pages are live. The lines that make them so are between markers."""
