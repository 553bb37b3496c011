from django.contrib.auth.backends import ModelBackend


class ByName(ModelBackend):
    """The site's own way to log in."""
