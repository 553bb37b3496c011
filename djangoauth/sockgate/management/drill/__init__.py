"""``manage.py sockgate_drill``: many simulated tabs, while something is restarted or fails."""
