"""An organisation's records as a whole: export, import, erasure and retention, by an administrator."""
