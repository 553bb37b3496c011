"""A Django project that has apps of its own called ``gateway`` and ``djangoauth``."""
