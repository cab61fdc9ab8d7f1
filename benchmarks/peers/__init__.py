"""The service's peers. Each returns the same data from the same rows."""
