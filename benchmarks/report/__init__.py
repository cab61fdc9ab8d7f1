"""The report: goals, tables and plots, between the markers of a document."""
