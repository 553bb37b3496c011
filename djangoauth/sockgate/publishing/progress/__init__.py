"""Progress of long work, private to one user: recorded in Redis, and published to pages.

``bar.py`` is what the work calls, ``records.py`` what Redis holds, ``tracking.py`` the decorator
for tasks of Celery and of Django.
"""

from .bar import Progress, progress
from .tracking import tracked_task

__all__ = ["Progress", "progress", "tracked_task"]
