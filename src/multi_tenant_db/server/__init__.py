"""The process around the application: HTTP protocol limits, graceful shutdown, workers, the metrics port."""
