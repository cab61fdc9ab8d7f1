"""Starlette and asyncpg by hand: no validation, no objects, no models; PostgreSQL writes the JSON."""
