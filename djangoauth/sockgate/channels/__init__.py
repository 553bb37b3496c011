"""Channels as Django sees them: namespaces, presence, number of connections."""
