"""The endpoints as the tutorials of FastAPI and SQLAlchemy teach them: sessions, ORM objects, response models.

Nothing is held back: asynchronous throughout, typed answers, keyset pages, the same pool, the same uvicorn. What it
does not do is authenticate: the caller names his tenant in a header, and the policies compare it with a plain variable.
"""
