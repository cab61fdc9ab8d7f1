"""The example's composition root: the service with one router more."""

from fastapi import FastAPI

from examples.accounts.router import router
from multi_tenant_db.main import create_app
from multi_tenant_db.settings import Settings


def create_accounts_app(settings: Settings | None = None) -> FastAPI:
    """Put the project's service and the accounts together; errors, limits, logging and /docs come with it."""
    app = create_app(settings)
    app.include_router(router)
    return app
