"""Callers and their access tokens."""
