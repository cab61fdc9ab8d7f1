"""Tests of the tools that adopters test their tables with."""
