"""Publishing: calls for Django code, ``Publisher`` for other programs, broadcasts in the admin."""
