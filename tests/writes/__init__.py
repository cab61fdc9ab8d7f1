"""Writes that a bank can trust: audited, conditional, repeatable, all or nothing."""
