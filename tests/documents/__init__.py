"""The documents: their commands are run, their tables compared with the code."""
