"""Sockgate measured beside everything that a user would pick instead, and beside the kernel.

``python -m benchmarks quick`` (``make bench``) or ``full`` (``make bench-full``);
docs/performance.md says what the columns mean. ``servers/`` holds one module per server,
``scenarios.py`` what is done to each, ``run.py`` the interleaved runs, ``report.py`` the tables
and ``picture.py`` the picture.
"""
