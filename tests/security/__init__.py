"""Attacks on the isolation of tenants, and what they must not achieve."""
