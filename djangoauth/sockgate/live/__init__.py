"""Live templates: parts of a page that follow what changes on the server."""
