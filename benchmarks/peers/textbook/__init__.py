"""The endpoints as in the tutorials of FastAPI and SQLAlchemy: sessions, ORM objects, response models.

It is optimised: asynchronous, typed responses, keyset pages, the same pool, the same uvicorn. It does not authenticate:
the caller names a tenant in a header, and the policies compare it with a plain variable.
"""
