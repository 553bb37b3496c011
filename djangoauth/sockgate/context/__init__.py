"""The circumstances of a call: the current tenant, and the transactions that are open."""
