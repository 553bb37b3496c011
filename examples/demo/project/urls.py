"""The demo's URLs."""

from board import story, views
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

urlpatterns = [
    path("", story.stage, name="stage"),
    path("console/", views.board, name="board"),
    path("figures/", story.figures, name="figures"),
    path("burst/", story.burst, name="burst"),
    path("play/<slug:act>/", story.play, name="play"),
    path("enter/<slug:name>/", story.enter, name="enter"),
    path("shop/", story.shop, name="shop"),
    path("shop/<int:pk>/", story.change, name="change"),
    path("shop/bell/", story.look, name="look"),
    path("notify/", views.notify, name="notify"),
    path("say/", views.say, name="say"),
    path("announce/", views.announce, name="announce"),
    path(
        "login/",
        LoginView.as_view(
            template_name="board/login.html",
            redirect_authenticated_user=True,
            extra_context={"accounts": views.ACCOUNTS},
        ),
        name="login",
    ),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("realtime/", include("sockgate.urls")),  # Sockgate
]
