"""Payments: the site's own app, which has the name that the server had once."""
