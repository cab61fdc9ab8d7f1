"""The service through HTTP: the whole contract, in one process or as a real one."""
