"""Publish with redis-py.

python publish_redis.py redis://127.0.0.1:6379 rt:user:1 "Djangocon 2012"
"""

import json
import sys

import redis

url, channel, title = sys.argv[1:]
message = json.dumps({"event": "news", "data": {"title": title}})
workers = redis.from_url(url).publish(channel, message)
print(f"{workers} workers received it")
