"""What the service is compared with. Each peer gives the same answers from the same rows."""
