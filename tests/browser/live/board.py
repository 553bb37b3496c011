"""A small kanban of Django forms, a formset and htmx, and pages with fields of hostile names."""

import json

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

HTMX = """{% load sockgate static %}<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>Board</title><meta name="htmx-config" content='{"includeIndicatorStyles":false}'>
<script src="{% static 'npm/htmx.org/dist/htmx.min.js' %}"></script>{% sockgate_client %}</head>
<body>"""

BOARD = (
    HTMX
    + """{% live "board" %}<p id="version">{{ version }}</p>
<ul id="cards">{% for id, title in cards.items %}<li id="card-{{ id }}"><b>{{ title }}</b>
<form><input name="comment"></form>
<button hx-get="/board/{{ id }}/" hx-target="#edit-{{ id }}">Edit</button>
<div id="edit-{{ id }}"></div></li>{% endfor %}</ul>
<form method="post" id="new" novalidate>{% csrf_token %}{{ form.as_p }}{{ tasks.management_form }}
{% for task in tasks %}{{ task.as_p }}{% endfor %}<button>Add</button></form>
<script src="/board/more.js"></script>{% endlive %}"""
)

EDIT = """<form hx-post="/board/{{ id }}/" hx-swap="outerHTML" novalidate
hx-headers='{"X-CSRFToken": "{{ csrf_token }}"}'>{{ form.as_p }}<button>Save</button></form>"""

CLOBBERED = (
    HTMX
    + """{% live "board" %}<p id="version">{{ version }}</p><form id="form"><h2>{{ version }}</h2>
{% for name in names %}<input name="{{ name }}" value="{{ version }}">{% endfor %}</form>
<ul>{% for id, title in cards.items %}
<li id="card-{{ id }}">{{ title }} <input id="in-{{ id }}"></li>{% endfor %}
</ul><div id="bar">{% task_progress "job" label="Job" %}</div>{% endlive %}"""
)

MORE = """document.querySelector("#id_task-TOTAL_FORMS").value = "3";"""
"""A script that adds a form to the formset, before the page is followed."""


class CardForm(forms.Form):
    title = forms.CharField()
    color = forms.ChoiceField(choices=[("red", "red"), ("blue", "blue"), ("green", "green")])
    urgent = forms.BooleanField(required=False)
    weight = forms.IntegerField(widget=forms.NumberInput({"type": "range"}), required=False)

    def clean_title(self) -> str:
        if len(self.cleaned_data["title"]) > 10:
            raise forms.ValidationError("Too long")
        return self.cleaned_data["title"]


class TaskForm(forms.Form):
    text = forms.CharField(max_length=30, required=False)


Tasks = forms.formset_factory(TaskForm, extra=2)


def pages(render, text_of) -> list:
    """Return the URLs of these pages."""

    def of_cards(request: HttpRequest, source: str, **more: object) -> HttpResponse:
        names = text_of("names").split()
        cards = json.loads(text_of("cards") or "{}").get(request.user.get_username(), {})
        return render(request, source, cards=cards, names=names, **more)

    @login_required
    def board(request: HttpRequest) -> HttpResponse:
        form = CardForm(request.POST or None)
        tasks = Tasks(request.POST or None, prefix="task")
        return of_cards(request, BOARD, form=form, tasks=tasks)

    @login_required
    def edit(request: HttpRequest, pk: str) -> HttpResponse:
        form = CardForm(request.POST or None, prefix=f"edit{pk}", initial={"title": f"card {pk}"})
        form.is_valid()
        return render(request, EDIT, id=pk, form=form)

    @login_required
    def clobbered(request: HttpRequest) -> HttpResponse:
        return of_cards(request, CLOBBERED)

    def more(request: HttpRequest) -> HttpResponse:
        return HttpResponse(MORE, "text/javascript")

    return [
        path("board/", board),
        path("board/<int:pk>/", edit),
        path("board/more.js", more),
        path("clobbered/", clobbered),
    ]
