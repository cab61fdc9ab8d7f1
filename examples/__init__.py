"""Examples of using and extending the service."""
