"""Protecting a table that exists."""
