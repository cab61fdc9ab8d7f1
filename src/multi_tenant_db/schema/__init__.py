"""Installs the schema: roles, migrations, revision, tenant tables."""
