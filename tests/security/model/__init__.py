"""A model of who may do what, and two harnesses that hold the database and the API against it.

`judge.py` is the model: read it first. `test_model_exhaustive.py` tries every small forest of tenants, every caller and
every verb; `test_model_machine.py` lets a random machine move between connections, transactions, savepoints and HTTP.
"""
