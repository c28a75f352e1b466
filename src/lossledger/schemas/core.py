"""The vocabulary of the declarations: Column, Table, Dataset."""

from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    """The closed list of column types; each consumer maps it to its own (Arrow, Delta, documentation)."""

    TEXT = "text"
    DATE = "date"
    TIME = "timestamp"  # UTC, microseconds
    DECIMAL = "decimal"  # DECIMAL(38,18), exact
    UNITS = "units"  # DECIMAL(38,0): whole ledger units of the row's currency
    INTEGER = "integer"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class Column:
    """`unit` is 'currency' for money, 'text' etc. are left to the type; `values` closes the set of values."""

    name: str
    type: Type
    doc: str
    unit: str = ""
    nullable: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A Delta table at WAREHOUSE/<schema>/<name>, one value of `partition` replaced at a time.

    `grain` says what a row is, `key` what makes it unique, `doc` what an analyst should know. `skip_by`: the columns
    whose least and greatest values files are skipped by, all where it is empty.
    """

    schema: str
    name: str
    grain: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition: str = "business_date"
    skip_by: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    def __hash__(self) -> int:
        """Of the names alone: tables are looked up hundreds of times a date."""
        return hash((self.schema, self.name))

    def column(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)


@dataclass(frozen=True)
class Field:
    """A column of an input dataset: `required` must be there and filled; `money` is an amount of a currency.

    `unit` is what a decimal that is no money is measured in.
    """

    name: str
    type: Type
    doc: str
    required: bool = True
    values: tuple[str, ...] = ()
    money: bool = False
    positive: bool = False
    unit: str = ""

    @property
    def measured_in(self) -> str:
        """The unit as a column says it."""
        return "currency" if self.money else "UTC" if self.type is Type.TIME else self.unit


@dataclass(frozen=True)
class Dataset:
    """An input dataset of the landing zone (inputs.md).

    `states`: its rows say how things were at a time, and of several with one key the last holds. Rows of the others
    say what happened: of several the first does.
    """

    name: str
    dated: bool
    doc: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    states: bool = False

    def field(self, name: str) -> Field:
        return next(f for f in self.fields if f.name == name)

    @property
    def required_columns(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields if f.required)


BUSINESS_DATE = Column("business_date", Type.DATE, "The session's date: the UTC date on which it starts.")


def money(name: str, doc: str, nullable: bool = False) -> Column:
    """An amount of money in units of the row's currency."""
    return Column(name, Type.DECIMAL, doc, "currency", nullable)


def text(name: str, doc: str, nullable: bool = False, values: tuple[str, ...] = ()) -> Column:
    return Column(name, Type.TEXT, doc, "", nullable, values)


def when(name: str, doc: str, nullable: bool = False) -> Column:
    return Column(name, Type.TIME, doc, "UTC", nullable)


def decimal(name: str, doc: str, unit: str, nullable: bool = False) -> Column:
    return Column(name, Type.DECIMAL, doc, unit, nullable)


def units(name: str, doc: str) -> Column:
    """An amount of money in whole ledger units."""
    return Column(name, Type.UNITS, doc, "ledger units")


def count(name: str, doc: str) -> Column:
    return Column(name, Type.INTEGER, doc, "count")


def flag(name: str, doc: str) -> Column:
    return Column(name, Type.BOOLEAN, doc)
