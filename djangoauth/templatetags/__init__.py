"""Template tags: ``{% load sockgate %}``."""
