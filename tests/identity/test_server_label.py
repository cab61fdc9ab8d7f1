"""The label in a token."""

import pytest

from multi_tenant_db.identity.access_token import hash_access_token, new_access_token, server_of


def test_a_new_token_names_its_server() -> None:
    """Tokens of the default server carry no label; the secret follows the label of another."""
    assert server_of(new_access_token()) == "default"
    assert server_of(new_access_token("b")) == "b"
    assert new_access_token("b").startswith("mtdb_b.")


@pytest.mark.parametrize(
    "token",
    ["", "mtdb_", "b.secret", "mtdb_.secret", "mtdb_B.secret", "mtdb_b", "mtdb_1b.secret", f"mtdb_{'b' * 17}.secret"],
)
def test_what_carries_no_label_belongs_to_the_default_server(token: str) -> None:
    """Also tokens of an identity service with a form of its own."""
    assert server_of(token) == "default"


def test_the_hash_covers_the_label() -> None:
    """The same secret behind another label is another token."""
    token = new_access_token("b")
    secret = token.removeprefix("mtdb_b.")
    assert len({hash_access_token(f"mtdb_{label}{secret}") for label in ("", "b.", "c.")}) == 3
