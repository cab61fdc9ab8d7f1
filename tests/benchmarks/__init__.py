"""The benchmarks measure what they say, and nothing that is wrong."""
