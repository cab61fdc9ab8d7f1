"""The six endpoints and their wiring."""
