"""Starlette and asyncpg without validation, objects or models; PostgreSQL generates the JSON."""
