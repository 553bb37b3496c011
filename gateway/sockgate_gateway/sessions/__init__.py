"""Sessions: authenticate clients, answer their requests, and end or change what a session allows.

``revalidation.py`` is the one place that reads sessions, rights and grants again.
"""
