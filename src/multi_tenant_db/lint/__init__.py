"""Rules about PostgreSQL's catalogue: tables, policies, grants, functions and roles.

`rules.py` lists every rule, `catalogue_lint.py` runs them. A rule is one query that returns its violations, with the
remedy. `mtdb check`, the start of the service and `make check` run the same list.
"""
