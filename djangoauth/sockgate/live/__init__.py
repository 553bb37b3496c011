"""Live pages: what a page shows follows what changes on the server."""
