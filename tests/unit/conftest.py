"""Hypothesis settings of the unit tests: examples have no deadline, for the machine may be busy."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
