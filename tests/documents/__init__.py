"""What the documents promise: their commands are run, their tables compared with the code."""
