"""The options of the gateway, their checks, and the comparison with other deployments."""
