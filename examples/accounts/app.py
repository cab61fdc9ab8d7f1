"""The example's composition root: the service with an additional router."""

from fastapi import FastAPI

from examples.accounts.router import router
from multi_tenant_db.main import create_app
from multi_tenant_db.settings import Settings


def create_accounts_app(settings: Settings | None = None) -> FastAPI:
    """Create the service with the accounts' endpoints; errors, limits, logging and /docs are included."""
    app = create_app(settings)
    app.include_router(router)
    return app
