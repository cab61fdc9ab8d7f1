"""The errors that the package exports: those of this project's endpoints."""

from pkgutil import iter_modules

from multi_tenant_db import errors


def test_the_package_exports_every_error() -> None:
    """A call site reads `from multi_tenant_db.errors import ...`, whichever the error."""
    modules = {module.name.title().replace("_", "") for module in iter_modules(errors.__path__)}
    assert {*errors.__all__} == modules
