"""Publishing: the calls for Django code, the ``Publisher`` for programs without Django settings."""
