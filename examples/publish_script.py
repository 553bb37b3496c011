"""Publish a sequenced publication from a script, without Django's settings.

python publish_script.py redis://127.0.0.1:6379 room:7 "Djangocon 2012" order-9
"""

import sys

from sockgate.publishing.publisher import Publisher

url, channel, title, idempotency_key = sys.argv[1:]
with Publisher(url) as publisher:
    workers = publisher.publish_to(
        channel, "news", {"title": title}, idempotency_key=idempotency_key
    )
print(workers, "workers received it")
