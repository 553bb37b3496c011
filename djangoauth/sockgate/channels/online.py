"""The signals about users; ``online_sender.py`` sends them."""

from django.dispatch import Signal

user_online = Signal()
"""The first page of a user is open. Arguments: ``user_id`` (the pk as text), ``tenant`` (empty
without tenants), ``at`` (a datetime in UTC). The sender is the user model."""

user_offline = Signal()
"""The last page of a user was closed ``OFFLINE_AFTER`` seconds ago; ``at`` is when. Arguments as
for ``user_online``."""
