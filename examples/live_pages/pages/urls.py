"""The addresses of the site."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.page, name="page"),
    path("order/", views.order, name="order"),
    path("pay/<int:pk>/", views.pay, name="pay"),
    path("remind/", views.remind, name="remind"),
    path("say/", views.say, name="say"),
    path("price/", views.price, name="price"),
    path("login/", LoginView.as_view(template_name="pages/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("realtime/", include("sockgate.urls")),  # Sockgate
]
