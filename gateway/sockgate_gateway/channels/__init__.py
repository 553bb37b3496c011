"""Channels: subscriptions, fan-out, order, recovery, presence and policies."""
