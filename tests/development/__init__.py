"""Tests of what `make up` and the other tests stand on."""
