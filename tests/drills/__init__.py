"""Drills: a site on two hosts, live clients, one fault after another, and what could be seen of it.

``python -m tests.drills`` writes the fault table of docs/operations.md.
"""
