"""The template tags: ``{% load sockgate %}``."""
