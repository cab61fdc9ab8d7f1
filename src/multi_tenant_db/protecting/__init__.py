"""Protects a table that exists, step by step, while it is used."""
