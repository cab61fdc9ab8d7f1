"""`mtdb`, as operators and their scripts use it."""
