"""``manage.py sockgate_…``."""
