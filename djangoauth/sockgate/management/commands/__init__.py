"""The commands: ``manage.py sockgate_sync`` and ``manage.py sockgate_listen``."""
