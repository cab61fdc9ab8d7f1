"""Exchanges a login at the bank's identity provider for an access token of this service."""
