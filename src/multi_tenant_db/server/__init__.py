"""The process around the application: HTTP protocol limits, graceful stop, workers, the metrics port."""
