"""TLS to the database, as PGSSLMODE and PGSSLROOTCERT ask for it: every command verifies the server."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import make_url

from multi_tenant_db.cli.exit_code import ExitCode
from multi_tenant_db.development import EmbeddedPostgres
from tests.support.certificate import certificate_for_localhost
from tests.support.mtdb import mtdb, settings_for
from tests.support.programs import needs
from tests.support.test_database import TestDatabase

ONLY_WITH_TLS = "hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n"

pytestmark = needs("openssl")  # it makes the certificates


@pytest.mark.exhaustive
async def test_the_server_must_be_the_one_that_the_certificate_names(tmp_path: Path) -> None:
    """With verify-full, commands work with the named server, and refuse another name and a missing authority."""
    with (
        certificate_for_localhost() as (certificate, key),
        EmbeddedPostgres.temporary(
            settings={"ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key)}
        ) as server,
    ):
        admin = make_url(server.url("tenancy")).set(host="localhost")
        database = TestDatabase(admin)
        verified = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(certificate)}
        named = settings_for(database, **verified)
        as_admin = named | {"MTDB_DATABASE_URL": admin.render_as_string(hide_password=False)}

        assert (await mtdb("migrate", env=as_admin)).exit_code == 0
        assert (await mtdb("check", env=named)).exit_code == 0
        connection = await database.connect_as_admin()
        # From now on connections without TLS are refused.
        hba = Path(await connection.fetchval("SHOW hba_file"))
        await asyncio.to_thread(hba.write_text, ONLY_WITH_TLS)
        await connection.execute("SELECT pg_reload_conf()")
        await connection.close()
        assert (await mtdb("check", env=named)).exit_code == 0
        assert "no encryption" in (await mtdb("check", env=named | {"PGSSLMODE": "disable"})).complaint

        other_name = await mtdb("check", env=settings_for(TestDatabase(admin.set(host="127.0.0.1")), **verified))
        assert "certificate is not valid for '127.0.0.1'" in other_name.complaint
        no_authority = {"PGSSLMODE": "verify-full", "HOME": str(tmp_path)}
        for command, environment in (("check", settings_for(database)), ("migrate", as_admin)):
            refused = await mtdb(command, env=_without_authority(environment) | no_authority)
            assert refused.exit_code == ExitCode.NO_DATABASE
            assert "root.crt" in refused.complaint


def _without_authority(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name != "PGSSLROOTCERT"}


async def test_tls_in_the_url_is_refused_in_one_line(database: TestDatabase) -> None:
    """A URL with sslmode is refused in one line that names the variable to use."""
    url = settings_for(database)["MTDB_DATABASE_URL"]
    outcome = await mtdb("check", env=settings_for(database, MTDB_DATABASE_URL=f"{url}?sslmode=require"))
    assert outcome.exit_code == ExitCode.USAGE
    assert "PGSSLMODE=verify-full" in outcome.complaint
