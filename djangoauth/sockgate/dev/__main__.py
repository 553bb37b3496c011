"""``python -m sockgate.dev <process id>``: the supervisor, as ``manage.py runserver`` starts it."""

import sys

from .supervisor import main

if __name__ == "__main__":
    main(int(sys.argv[1]))
