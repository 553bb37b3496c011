"""The client without input and output: frames, states, positions, subscriptions, requests."""
