"""``path("realtime/", include("djangoauth.urls"))``."""

from django.urls import path

from . import views

app_name = "sockgate"
urlpatterns = [
    path("token/", views.token, name="token"),
    path("grant/", views.grant, name="grant"),
]
