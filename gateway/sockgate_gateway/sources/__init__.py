"""Where connections come from, and a fair share of the places for each source."""
