"""Faults, load and restarts, with real processes: what was seen is recorded, and judged afterwards."""
