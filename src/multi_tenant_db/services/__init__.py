"""Decisions, in words of the domain."""
