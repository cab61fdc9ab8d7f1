"""Organisations on two servers, behind one service."""
