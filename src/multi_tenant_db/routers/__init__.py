"""HTTP: paths, headers, bodies and status codes."""
