"""The endpoints as in the starter application of rowstile: FastAPI, SQLAlchemy, and policies compiled from rules.

The context is signed in the database: a caller that is set by hand is an error. Any transaction may still sign in as
anyone, so the peer trusts the header that names the tenant, as the others do.
"""
