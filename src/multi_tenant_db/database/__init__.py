"""Connections, transactions, and what must hold of the database."""
