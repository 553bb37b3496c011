"""Logins: the site's own app, which has the name that the Django app had once."""
