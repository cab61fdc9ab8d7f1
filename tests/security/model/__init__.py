"""A model of the callers' rights, and two harnesses that compare the database and the API with it.

`judge.py` is the model: read it first. `test_model_exhaustive.py` tries every small forest of tenants, every caller and
every verb; `test_model_machine.py` lets a random machine move between connections, transactions, savepoints and HTTP.
"""
