"""Rules for the deliberate defects of `make mutants`: they fit the code, checked without a hunt."""

from collections import Counter

import pytest

from tests.mutants.code_mutants import CODE_MUTANTS
from tests.mutants.moving_mutants import MOVING_MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.protecting_mutants import PROTECTING_MUTANTS
from tests.mutants.records_mutants import RECORDS_MUTANTS
from tests.mutants.run import MUTANTS
from tests.mutants.session_mutants import SESSION_MUTANTS
from tests.mutants.tool_mutants import TOOL_MUTANTS
from tests.support.sources import ROOT


def test_a_mutant_has_a_name_of_its_own() -> None:
    """Every mutant has a name of its own."""
    names = Counter(mutant.name for mutant in MUTANTS)
    assert [name for name, count in names.items() if count > 1] == []


OF_THE_CODE = (*CODE_MUTANTS, *SESSION_MUTANTS, *MOVING_MUTANTS, *PROTECTING_MUTANTS, *RECORDS_MUTANTS, *TOOL_MUTANTS)


@pytest.mark.parametrize("mutant", [mutant for mutant in OF_THE_CODE if mutant.file], ids=lambda mutant: mutant.name)
def test_a_mutant_of_the_code_fits(mutant: Mutant) -> None:
    """What a mutant replaces stands in its file exactly once; a change of that passage changes the mutant."""
    assert (ROOT / "src" / "multi_tenant_db" / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_killers_of_a_mutant_exist(mutant: Mutant) -> None:
    """The tests that are to notice a mutant exist."""
    for killer in mutant.killers:
        file, _, test = killer.partition("::")
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")
