"""Moves an organisation to another server while it is used: by logical replication, and a short pause at the switch."""
