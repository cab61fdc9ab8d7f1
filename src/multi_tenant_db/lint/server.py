"""Rules for the release of the server and the revision of the schema."""

from sqlalchemy import text

from multi_tenant_db.lint.rule import Rule

ROLES_MISSING = Rule(
    "roles-missing",
    "A database without the roles has not been set up.",
    text("""
        SELECT string_agg(role.name, ', ') AS place, 'run `mtdb migrate`' AS remedy
        FROM unnest(CAST(:all_roles AS name[])) AS role (name)
        WHERE to_regrole(role.name::text) IS NULL
        HAVING count(*) > 0
    """),
)
"""Runs before all others, which need the roles."""

SCHEMA_REVISION = Rule(
    "schema-revision",
    "The service reads and writes the schema of its own revision, or of a newer one that declares itself compatible.",
    text("""
        SELECT format('the schema is at revision %s, this version needs %s', coalesce(found, 'None'), needed) AS place,
               'run `mtdb migrate`, or deploy the version that the schema was made for; after adding a migration, name '
               'it in multi_tenant_db/schema/schema_revision.py' AS remedy
        FROM (VALUES (CAST(:revision AS text), CAST(:required_revision AS text))) AS revision (found, needed)
        WHERE found IS DISTINCT FROM needed
          AND NOT CAST(:is_compatible AS boolean)
    """),
)

SCHEMA_NEWER = Rule(
    "schema-newer",
    "The schema declares this version compatible; the grants of newer migrations are not checked.",
    text("""
        SELECT format('the schema is at revision %s, this version was made for %s', found, needed) AS place,
               'finish the upgrade: the version that the schema was made for checks the whole schema' AS remedy
        FROM (VALUES (CAST(:revision AS text), CAST(:required_revision AS text))) AS revision (found, needed)
        WHERE CAST(:is_compatible AS boolean)
    """),
    is_warning=True,
)

SERVER_TOO_OLD = Rule(
    "server-too-old",
    "The isolation has not been tested on this release.",
    text("""
        SELECT format('PostgreSQL %s', current_setting('server_version')) AS place, 'use 17.5 or newer' AS remedy
        WHERE CAST(:server_version AS integer) < CAST(:oldest_server AS integer)
    """),
)

SERVER_SHOWS_STATISTICS = Rule(
    "server-shows-statistics",
    "The server lacks the fix of CVE-2025-8713: the planner's statistics reveal hidden rows.",
    text("""
        SELECT format('PostgreSQL %s', current_setting('server_version')) AS place, 'use 17.6 or newer' AS remedy
        WHERE CAST(:server_version AS integer) < CAST(:last_rls_fix AS integer)
    """),
    is_warning=True,
)

SERVER_LACKS_FIXES = Rule(
    "server-lacks-fixes",
    "The server lacks the fix of CVE-2026-16239: SQL can corrupt the server's memory and so bypass every protection.",
    text("""
        SELECT format('PostgreSQL %s', current_setting('server_version')) AS place,
               format('use %s.%s or newer', fix.version / 10000, fix.version % 10000) AS remedy
        FROM unnest(CAST(:last_fixes AS integer[])) AS fix (version)
        WHERE fix.version / 10000 = CAST(:server_version AS integer) / 10000
          AND fix.version > CAST(:server_version AS integer)
          AND current_setting('cluster_name') <> 'mtdb-newest-embedded'  -- the server of `make up`: no package is newer
    """),
    is_warning=True,
)

SERVER_UNTESTED = Rule(
    "server-untested",
    "The attacks have not run on this major version: its planner may evaluate a query's conditions before the policies "
    "and so reveal hidden rows.",
    text("""
        SELECT format('PostgreSQL %s', CAST(:server_version AS integer) / 10000) AS place,
               format(
                   'use PostgreSQL %s, or run `make attack` against such a server and set '
                   'MTDB_ALLOW_UNTESTED_POSTGRES=true',
                   array_to_string(CAST(:tested_majors AS integer[]), ' or ')
               ) AS remedy
        WHERE CAST(:server_version AS integer) / 10000 <> ALL (CAST(:tested_majors AS integer[]))
          AND CAST(:server_version AS integer) >= CAST(:oldest_server AS integer)
          AND NOT CAST(:allow_untested AS boolean)
    """),
)

SERVER_UNTESTED_ALLOWED = Rule(
    "server-untested-allowed",
    "The attacks have not run on this major version, and MTDB_ALLOW_UNTESTED_POSTGRES accepts it.",
    text("""
        SELECT format('PostgreSQL %s', CAST(:server_version AS integer) / 10000) AS place,
               'run `make attack` against such a server' AS remedy
        WHERE CAST(:server_version AS integer) / 10000 <> ALL (CAST(:tested_majors AS integer[]))
          AND CAST(:server_version AS integer) >= CAST(:oldest_server AS integer)
          AND CAST(:allow_untested AS boolean)
    """),
    is_warning=True,
)

SERVER_RULES = (
    SCHEMA_REVISION,
    SCHEMA_NEWER,
    SERVER_TOO_OLD,
    SERVER_SHOWS_STATISTICS,
    SERVER_LACKS_FIXES,
    SERVER_UNTESTED,
    SERVER_UNTESTED_ALLOWED,
)
