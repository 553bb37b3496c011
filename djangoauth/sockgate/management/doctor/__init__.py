"""The walk of ``manage.py sockgate_doctor`` through a site, from the settings to a logout."""
