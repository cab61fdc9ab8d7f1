"""The service over HTTP, in the test's process or in its own."""
