"""The migration that the guide on upgrades shows follows the newest one of this project."""

from multi_tenant_db.schema.schema_revision import REQUIRED_SCHEMA_REVISION
from tests.support.sources import ROOT


def test_the_migration_of_the_guide_is_the_next_one() -> None:
    """Copied into the folder of migrations, it has one predecessor, and names it as the compatible one."""
    guide = (ROOT / "docs" / "how-to" / "production.md").read_text(encoding="utf-8")
    assert f'down_revision = "{REQUIRED_SCHEMA_REVISION}"' in guide
    assert f"VALUES ('add_note', '{REQUIRED_SCHEMA_REVISION}')" in guide
