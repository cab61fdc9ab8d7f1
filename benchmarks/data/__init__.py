"""The server, the databases and their content."""
