from django.contrib import admin
from django.urls import include, path
from djangoauth.views import LogIn, page
from gateway.views import pay

urlpatterns = [
    path("", page),
    path("login/", LogIn.as_view()),
    path("pay/", pay),
    path("admin/", admin.site.urls),
    path("realtime/", include("sockgate.urls")),
]
