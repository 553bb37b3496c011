from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template import engines

PAGE = "{% load sockgate %}<!doctype html>{% sockgate_client %}"


class LogIn(LoginView):
    def render_to_response(self, context: object, **kwargs: object) -> HttpResponse:
        return HttpResponse(get_token(self.request))


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))
