"""Writes: audited, conditional, idempotent and atomic."""
