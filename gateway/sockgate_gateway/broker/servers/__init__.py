"""Redis as the broker uses it: a client for commands, and one subscribed connection (the link)."""
