"""Services on the event loop: background tasks, timers, and accepting sockets."""
