"""What Sockgate adds to Django's admin; the work is in ``broadcasts/`` and ``access/``."""

from django.contrib import admin

from .access.admin_actions import add_to_user_admins
from .broadcasts.admin import BroadcastAdmin
from .models import Broadcast

add_to_user_admins()
admin.site.register(Broadcast, BroadcastAdmin)
