"""The command line, `mtdb`."""
