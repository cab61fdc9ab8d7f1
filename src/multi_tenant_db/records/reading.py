"""Reads the folder of an export, and refuses one that is not as its manifest says."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from multi_tenant_db.records.manifest import MANIFEST, Manifest
from multi_tenant_db.records.manifest_file import ManifestFile
from multi_tenant_db.records.records_error import RecordsError

CHUNK = 1 << 18
LARGEST_MANIFEST = 1 << 24


async def read_manifest(folder: Path) -> Manifest:
    """Return the manifest after every file's checksum was verified. Raises RecordsError."""
    manifest = _parse(folder)
    _check_names(folder, manifest)
    for file in manifest.files:
        async for _chunk in read_chunks(folder, file):
            pass
    return manifest


def _check_names(folder: Path, manifest: Manifest) -> None:
    named = {MANIFEST, *(file.file for file in manifest.files)}
    found = {path.name for path in folder.iterdir()}
    if missing := sorted(named - found):
        raise RecordsError(f"{folder} lacks {', '.join(missing)}: copy the whole folder")
    if further := sorted(found - named):
        raise RecordsError(
            f"{folder} has {', '.join(further)}, which its manifest does not name: remove what was added"
        )


def _parse(folder: Path) -> Manifest:
    if not folder.is_dir():
        raise RecordsError(f"there is no folder {folder}: name one that `mtdb tenant export` wrote")
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        raise RecordsError(f"{folder} has no {MANIFEST}: the export was not completed, or this is another folder")
    if path.stat().st_size > LARGEST_MANIFEST:
        raise RecordsError(f"{path} is too large for a manifest: copy the folder again")
    try:
        values = json.loads(path.read_bytes())
        if isinstance(values, dict) and values.get("format") != 1:
            raise RecordsError(f"{path} has the format {values.get('format')!r}, this version reads 1")
        return Manifest.model_validate(values)
    except (ValidationError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise RecordsError(f"{path} is not a manifest ({reason}): copy the folder again") from None


async def read_chunks(folder: Path, entry: ManifestFile) -> AsyncIterator[bytes]:
    """Give the content of a file in pieces; raises RecordsError at its end if it is not the manifest's."""
    path = folder / entry.file
    checksum = sha256()
    with _open(path) as file:
        while chunk := file.read(CHUNK):
            checksum.update(chunk)
            yield chunk
    if checksum.hexdigest() != entry.sha256:
        raise RecordsError(f"{path} has another SHA-256 than its manifest says: it was changed or cut off")


def _open(path: Path) -> BinaryIO:
    if path.is_symlink() or not path.is_file():
        raise RecordsError(f"{path} is not a regular file: copy the folder again")
    return path.open("rb")
