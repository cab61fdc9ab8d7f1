"""Rules about PostgreSQL's catalogue: what must hold of tables, policies, grants, functions and roles.

`rules.py` lists every rule, `catalogue_lint.py` asks them. A rule is one query that returns what breaks it, with the
remedy. `mtdb check`, the start of the service and `make check` all ask the same list.
"""
