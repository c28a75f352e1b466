"""The data dictionary in the repository is the one that the declarations give."""

from scripts.dictionary import TARGET, render


def test_dictionary_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run make docs"
