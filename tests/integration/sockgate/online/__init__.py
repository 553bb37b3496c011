"""An app with receivers of ``user_online`` and ``user_offline``, which write to a file."""
