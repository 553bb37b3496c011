"""Flash messages stay for the next page: a live request shows them to nobody.

The storage of ``django.contrib.messages`` drops what was read when the response is made. A live
request reads the messages where the page shows them outside the fragments. So the storage of such a
request takes nothing as read, also what was read before the first ``{% live %}``.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse

HEADER = "X-Sockgate-Live"


def keep_messages(request: HttpRequest) -> None:
    """Keep the messages of a live request; of another request nothing changes."""
    storage: Any = getattr(request, "_messages", None)
    if storage is None or HEADER not in request.headers:
        return
    update = storage.update

    def update_as_unread(response: HttpResponse) -> Any:
        storage.used = False
        return update(response)

    storage.update = update_as_unread
