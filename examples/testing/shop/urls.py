"""The addresses of the shop."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("orders/<int:order>/", views.show),
    path("orders/<int:order>/pay/", views.pay),
    path("realtime/", include("sockgate.urls")),
]
