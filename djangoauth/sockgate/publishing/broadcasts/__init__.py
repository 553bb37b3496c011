"""Broadcasts from Django's admin: compose, preview, send once."""
