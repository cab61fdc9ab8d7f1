"""What an export contains; the file manifest.json."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from multi_tenant_db.records.manifest_file import ManifestFile
from multi_tenant_db.records.moment import Moment
from multi_tenant_db.records.scope import Scope

MANIFEST = "manifest.json"


class Manifest(BaseModel):
    """Written last. It is no signature: anyone who can write to the folder can write it anew."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    organization_id: UUID
    tenant_id: UUID
    name: str
    exported_at: Moment
    """When the snapshot was taken, by the server's clock."""
    snapshot: str
    schema_revision: str
    server_version: str
    service_version: str
    files: tuple[ManifestFile, ...]

    @property
    def scope(self) -> Scope:
        """Return what was exported."""
        return Scope(self.organization_id, self.tenant_id, self.name)

    @property
    def rows(self) -> int:
        """Return the number of rows of all tables."""
        return sum(file.rows for file in self.files)
