"""Wire transfers: a module that the server had once too."""

CURRENCY = "EUR"
