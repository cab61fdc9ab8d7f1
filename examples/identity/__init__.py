"""From a login at the bank's identity provider to an access token of this service."""
