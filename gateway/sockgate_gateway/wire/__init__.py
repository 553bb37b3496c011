"""The contract between Django, the gateway and the browser client.

Pure data and pure functions, without I/O and without a clock. The package imports nothing else of
ours, so that ``sockgate`` can import it alone. ``tests/vectors.json`` holds golden examples for the
tests in Python and JavaScript.
"""
