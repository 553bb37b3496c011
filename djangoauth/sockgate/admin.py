"""What Sockgate adds to the admin; the work is in ``publishing/broadcasts/`` and ``access/``."""

from django.contrib import admin

from .access.admin_actions import add_to_user_admins
from .models import Broadcast
from .publishing.broadcasts.admin import BroadcastAdmin

add_to_user_admins()
admin.site.register(Broadcast, BroadcastAdmin)
