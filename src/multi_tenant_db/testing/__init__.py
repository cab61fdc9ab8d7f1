"""Tests of a fork's or adopter's own tables: fixtures for pytest, and `assert_isolated`.

`pytest_plugins = ["multi_tenant_db.testing.fixtures"]` in a conftest.py loads the fixtures. `isolation_check.py` can be
used without pytest. The service imports nothing of this package.
"""
