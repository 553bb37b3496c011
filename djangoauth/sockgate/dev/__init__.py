"""The development server: what ``manage.py runserver`` runs beside Django.

Strategy: the reloader's parent starts one more process, ``python -m sockgate.dev``, the supervisor.
It runs the embedded Valkey and the gateway, so that both outlive every save of a Python file. It
imports no Django. Each start of Django sends it a plan (``plans.py``) through a pipe, and a program
whose plan has changed is started again. The supervisor ends when the pipe or the parent ends.

``planning.py`` and ``beside.py`` run in Django's processes, ``supervisor.py`` and ``programs.py``
in the supervisor.
"""
