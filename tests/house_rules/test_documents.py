"""Rules for the documents: what they name exists."""

import re
from pathlib import Path

from multi_tenant_db.settings import Settings
from tests.support.sources import ROOT, for_each, name_of, project_files

DOCUMENTS = [path for path in project_files() if path.suffix == ".md"]
NAMED_PATH = re.compile(r"`((?:src|tests|migrations|scripts|docs|examples|benchmarks|\.ci|\.github)/[\w./-]*)`")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")


@for_each(DOCUMENTS)
def test_every_path_in_a_document_exists(path: Path) -> None:
    """A path or a link that a document names leads somewhere."""
    text = path.read_text(encoding="utf-8")
    missing = [name for name in NAMED_PATH.findall(text) if not (ROOT / name).exists()]
    missing += [link for link in LINK.findall(text) if not (path.parent / link).exists()]
    assert not missing, f"{name_of(path)} names what does not exist: {missing}"


@for_each(DOCUMENTS)
def test_every_make_target_in_a_document_exists(path: Path) -> None:
    """A `make` target that a document names is in the Makefile."""
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z][\w-]*)", path.read_text(encoding="utf-8")))
    assert named <= targets, f"{name_of(path)} names make targets that do not exist: {sorted(named - targets)}"


def test_every_setting_is_in_the_configuration_guide() -> None:
    """The configuration guide names each setting with its default."""
    guide = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        row = next((line for line in guide.splitlines() if f"`MTDB_{name.upper()}`" in line), None)
        assert row is not None, f"docs/configuration.md lacks MTDB_{name.upper()}"
        if field.default not in (None, ...) and not field.is_required():
            assert f"`{field.default}`" in row, (
                f"docs/configuration.md: MTDB_{name.upper()} defaults to {field.default}"
            )
