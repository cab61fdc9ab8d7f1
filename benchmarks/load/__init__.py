"""Load from a separate process, with a check of every response.

The generator uses uvloop's protocols directly instead of a tool: wrk cannot be installed everywhere without root; those
of npm and PyPI check too little of a response (autocannon compares one body for all requests) or use far more CPU. It
is not the bottleneck, as every run shows: the report contains its rate against a server that does nothing
(`benchmarks/peers/nothing.py`), and its share of a core in each measurement.
"""
