"""The data dictionary is the one that the declarations give, and says of every column all that it has to say."""

import re
from datetime import date, datetime
from decimal import Decimal

import pytest

from lossledger.schemas.core import Dataset, Table, Type
from lossledger.schemas.examples import EXAMPLES
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.provenance import RULES, example, example_of_input, since, source
from lossledger.schemas.registry import TABLES
from lossledger.store.marker import FORMAT
from scripts.dictionary import TARGET, render
from tests.docs.pages import ROOT

SECTIONS = re.findall(r"^## (\d+)\. ", (ROOT / "docs" / "spec" / "rules.md").read_text("utf-8"), re.MULTILINE)
MEASURED = (Type.DECIMAL, Type.UNITS, Type.TIME)
VALID = {
    Type.TEXT: str,
    Type.DATE: date.fromisoformat,
    Type.TIME: datetime.fromisoformat,
    Type.DECIMAL: Decimal,
    Type.UNITS: int,
    Type.INTEGER: int,
    Type.BOOLEAN: {"true": True, "false": False}.__getitem__,
}


def test_dictionary_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run make docs"


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.full_name)
def test_a_column_says_what_it_is(table: Table) -> None:
    """Meaning; unit of an amount, price or time; source; since when; and an example that is one."""
    for column in table.columns:
        name = f"{table.full_name}.{column.name}"
        assert column.doc.endswith("."), name
        assert column.unit or column.type not in MEASURED, name
        page, section = source(table, column)
        assert str(section) in SECTIONS if page == RULES else section == 0, name
        assert 1 <= since(table, column) <= FORMAT, name
        text = example(table, column)
        VALID[column.type](text)
        empty = column.name in ("isolation", "from_isolation")  # cross margin
        assert text in column.values if column.values else text or empty, name


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=lambda dataset: dataset.name)
def test_an_input_says_what_it_is(dataset: Dataset) -> None:
    for field in dataset.fields:
        assert field.doc.endswith("."), field.name
        assert field.measured_in or field.type not in MEASURED, field.name
        text = example_of_input(dataset, field.name)
        VALID[field.type](text)
        assert text in field.values if field.values else text, field.name
        assert not field.positive or Decimal(text) > 0, field.name


def test_no_example_is_of_a_column_that_is_gone() -> None:
    assert {name: list(row) for name, row in EXAMPLES.items()} == {
        name: [column.name for column in table.columns] for name, table in TABLES.items()
    }
