"""The releases of PostgreSQL that can be embedded, each pinned by the hash of its package."""

import os
import platform

from multi_tenant_db.development.embedded_postgres_error import EmbeddedPostgresError

DEFAULT_RELEASE = "17.10"
"""What runs without POSTGRES_VERSION; the others, and what of PostgreSQL is newer: docs/reference/postgresql.md."""

NEWEST_EMBEDDED = "mtdb-newest-embedded"
"""The `cluster_name` of a development server whose major has no newer package; `server-lacks-fixes` knows it."""

PACKAGE_VERSIONS = {"18.4": "18.4.0-beta.17", "17.10": "17.10.0-beta.17", "17.5": "17.5.0-beta.15"}
"""Version of the npm package by release of PostgreSQL; "beta" refers to the packaging only."""

INTEGRITY = {
    ("18.4", "linux-x64"): (
        "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="
    ),
    ("18.4", "linux-arm64"): (
        "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="
    ),
    ("18.4", "darwin-arm64"): (
        "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="
    ),
    ("18.4", "darwin-x64"): (
        "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="
    ),
    ("17.10", "linux-x64"): (
        "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg=="
    ),
    ("17.10", "linux-arm64"): (
        "sha512-mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig=="
    ),
    ("17.10", "darwin-arm64"): (
        "sha512-E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ=="
    ),
    ("17.10", "darwin-x64"): (
        "sha512-gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg=="
    ),
    ("17.5", "linux-x64"): (
        "sha512-Kf5yATvzPLcNlb8ZBtS/aEaTWeM682rCnPBJW5T11b2iKzEO6qpOzfA2UuZhffEansYzxIoSyHk7jFp+q7rHYA=="
    ),
    ("17.5", "linux-arm64"): (
        "sha512-ikakI9rBRl8xt85xgk38OTB3fCrsI7lJy4ZQLITTkrjNI7Fv75hTLPP9xTpVJ20Mbd0WDytPtRD4Tz0e4449tQ=="
    ),
    ("17.5", "darwin-arm64"): (
        "sha512-pTtVdnRHKhrBIDpAvaPwFSRymUKFvPRdTfZwAPLxnTsdA6T//vCTTmgq87Cwqs1ET/LVaggpSChAeabtgAXzew=="
    ),
    ("17.5", "darwin-x64"): (
        "sha512-GNQPnpfzQlrrABH6f15+GY32A6ucKxxUXqJjLqpDd6cUekJqytNdjLbkLF3OjXGgmFk7dg6eqw1yb5ZVP0zwcQ=="
    ),
}
"""SHA-512 of each package, as npm publishes it, by release and platform."""


def chosen_release() -> str:
    """Return the release in POSTGRES_VERSION, or the default."""
    return os.environ.get("POSTGRES_VERSION") or DEFAULT_RELEASE


def is_newest_of_its_major(release: str) -> bool:
    """Return whether no package has a newer release that reads the same data."""
    major, _, minor = release.partition(".")
    packaged = [other.partition(".") for other in PACKAGE_VERSIONS]
    return all(int(other_minor) <= int(minor) for other, _, other_minor in packaged if other == major)


def require_release(release: str) -> None:
    """Refuse a release that is not pinned here."""
    if release not in PACKAGE_VERSIONS:
        raise EmbeddedPostgresError(
            f"PostgreSQL {release} is not available: set POSTGRES_VERSION to one of {', '.join(PACKAGE_VERSIONS)}."
        )


def this_platform() -> str:
    """Return this machine's name in the packages, for example `linux-x64`."""
    machine = platform.machine().lower()
    architecture = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(machine, machine)
    name = f"{platform.system().lower()}-{architecture}"
    if (DEFAULT_RELEASE, name) not in INTEGRITY:
        raise EmbeddedPostgresError(
            f"There is no embedded PostgreSQL for {name}: use Docker, or set MTDB_DATABASE_URL to another server."
        )
    return name
