"""What Sockgate adds to the admin; the work is in ``publishing/broadcasts/`` and ``access/``."""

from django.contrib import admin

from .access.admin_actions import add_to_user_admins
from .access.connections_admin import ConnectionAdmin
from .models import Broadcast, Connection
from .publishing.broadcasts.admin import BroadcastAdmin

add_to_user_admins()
admin.site.register(Broadcast, BroadcastAdmin)
admin.site.register(Connection, ConnectionAdmin)
