"""Each mutant still has its place in the code and its tests: one that has lost them is found here, not in a year."""

import pytest

from tests.mutants.mutants import ROOT, Mutant, read_mutants


@pytest.mark.parametrize("mutant", read_mutants(), ids=lambda mutant: mutant.name)
def test_a_mutant_has_its_place_and_its_tests(mutant: Mutant) -> None:
    assert mutant.file(ROOT).is_file()
    assert mutant.before != mutant.after
    paths = [argument for argument in mutant.tests if argument.startswith("tests/")]
    assert paths
    assert [path for path in paths if not (ROOT / path.partition("::")[0]).exists()] == []
