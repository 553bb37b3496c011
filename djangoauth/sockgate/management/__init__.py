"""Management commands, and the doctor, which only its command runs."""
