"""The addresses of the test project, and Django's own for logins and passwords."""

from django.urls import include, path

from tests.django_urls import urlpatterns as project_urls

urlpatterns = [*project_urls, path("accounts/", include("django.contrib.auth.urls"))]
