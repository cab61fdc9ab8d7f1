"""The error classes: complete, stable, each in the file of its code."""

import inspect
import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

from multi_tenant_db import errors
from multi_tenant_db.errors import ApplicationError, NameTaken

MODULES = {
    module.name: import_module(f"multi_tenant_db.errors.{module.name}")
    for module in pkgutil.iter_modules(errors.__path__)
    if module.name != "application_error"
}


def the_error_in(module: ModuleType) -> type[ApplicationError]:
    """Return the one class that the module defines."""
    (error,) = (
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if member.__module__ == module.__name__ and issubclass(member, ApplicationError)
    )
    return error


ERRORS = {name: the_error_in(module) for name, module in MODULES.items()}


@pytest.mark.parametrize("name", ERRORS)
def test_the_code_is_the_name_of_the_file(name: str) -> None:
    """Each error's code is the name of its file and, in camel case, of its class."""
    assert ERRORS[name].code == name
    assert ERRORS[name].__name__ == name.title().replace("_", "")


@pytest.mark.parametrize("name", ERRORS)
def test_the_status_is_an_error(name: str) -> None:
    """Every error answers with a status from 400 to 599."""
    assert 400 <= ERRORS[name].status <= 599


@pytest.mark.parametrize("name", ERRORS)
def test_title_and_detail_speak_to_the_caller(name: str) -> None:
    """The title is a phrase without a full stop; the detail is sentences that say more than the title."""
    error = ERRORS[name]
    assert error.title.strip() == error.title
    assert error.title[:1].isupper()
    assert not error.title.endswith(".")
    assert error.detail.strip() == error.detail
    assert error.detail.endswith((".", "?"))
    assert error.detail.rstrip(".") != error.title


def test_codes_and_titles_tell_the_errors_apart() -> None:
    """No two errors share a code or a title; the exports are these errors and their root, in order."""
    assert len({error.code for error in ERRORS.values()}) == len(ERRORS) > 10
    assert len({error.title for error in ERRORS.values()}) == len(ERRORS)
    known: list[type[ApplicationError]] = [ApplicationError, *ERRORS.values()]
    exported = {error.__name__: error for error in known}
    assert list(errors.__all__) == sorted(errors.__all__)
    assert all(getattr(errors, name) is exported[name] for name in errors.__all__)


def test_an_error_says_its_standard_detail_unless_told_more() -> None:
    """The text is the class's detail, or the one given for this case; the class keeps its own."""
    assert str(NameTaken()) == NameTaken.detail
    assert str(NameTaken("HSBC London is taken.")) == "HSBC London is taken."
    assert str(NameTaken()) == NameTaken.detail


def test_headers_and_members_belong_to_one_error() -> None:
    """Headers and members of one error do not appear in another, since they are copied."""
    headers = {"Retry-After": "1"}
    error = NameTaken(headers=headers, errors=["x"])
    error.headers["WWW-Authenticate"] = "Bearer"
    assert headers == {"Retry-After": "1"}
    assert error.members == {"errors": ["x"]}
    assert (NameTaken().headers, NameTaken().members) == ({}, {})
