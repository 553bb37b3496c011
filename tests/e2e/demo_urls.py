"""The demo's URLs, with its console at ``/``: the page of most tests."""

from board import views
from django.urls import path
from project.urls import urlpatterns as demo

urlpatterns = [path("", views.board, name="board"), *demo]
