"""System checks: of the settings, and with ``--deploy`` of the deployment and of Redis."""
