"""What the service refuses because it is too large, too slow or too much, and how it says so."""
