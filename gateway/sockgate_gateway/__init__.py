"""The Sockgate gateway: real-time push to browsers that Django has logged in."""

__version__ = "0.1.0"
