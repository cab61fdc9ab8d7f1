"""Examples: what one does with the service, and how one adds to it."""
