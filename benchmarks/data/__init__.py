"""The server, the databases and what is in them."""
