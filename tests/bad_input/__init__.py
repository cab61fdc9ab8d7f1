"""Requests that no honest client sends, and what they are answered."""
