"""What is made of the results: goals, tables and plots, between the markers of a document."""
