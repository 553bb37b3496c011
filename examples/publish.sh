#!/bin/sh
# Publish with redis-cli:
#   ./publish.sh redis://127.0.0.1:6379 rt:user:1 '{"event":"news","data":{"title":"Djangocon 2012"}}'
exec redis-cli -u "$1" PUBLISH "$2" "$3"
