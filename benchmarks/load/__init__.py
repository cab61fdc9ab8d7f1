"""Load, from a process of its own, every answer checked.

The generator is some hundred lines on uvloop's raw protocols, not a tool: wrk cannot be installed everywhere without
root, those of npm and PyPI either check too little of an answer (autocannon compares one body for all requests) or take
far more CPU for it. It is not the bottleneck, and every run shows it: the report tells what it reaches against a server
that does nothing (`benchmarks/peers/nothing.py`), and how much of a core it used in each measurement.
"""
