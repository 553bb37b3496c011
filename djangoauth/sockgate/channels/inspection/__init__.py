"""What the workers and Redis know of users and connections, for operators."""
