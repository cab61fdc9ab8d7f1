"""Export, import, erasure and retention of an organisation's records."""
