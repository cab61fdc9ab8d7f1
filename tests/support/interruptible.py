"""Python programs that a test interrupts."""

import sys

_FROM_A_TERMINAL = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

PYTHON = (sys.executable, "-c", _FROM_A_TERMINAL)
"""Runs a Python program that SIGINT interrupts. What a shell has started in the background ignores it otherwise."""
