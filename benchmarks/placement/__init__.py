"""Simulates the placement of organisations on many servers; starts no server."""
