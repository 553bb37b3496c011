"""Channels as Django sees them: namespaces, presence, who is online, how many."""
