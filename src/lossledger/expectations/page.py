"""docs/checks.md: every check that a published date has passed, written from the rules themselves."""

from pathlib import Path

from lossledger.expectations.findings import KINDS
from lossledger.expectations.rules import Rule, all_rules
from lossledger.schemas.registry import PUBLISHED

TARGET = Path(__file__).resolve().parents[3] / "docs" / "checks.md"
INTRODUCTION = """# Checks

What must hold of a date before it is published, written by `make docs` from `expectations/`: change it there, not
here. The checks run with Great Expectations on the date as it was written, after it was computed and before anybody
can see it. Amounts are compared as exact decimals, to the last digit; no bound and no tolerance is a binary float.

- **fail**: the date is not published, what was published before stays, and the command ends with code 3.
- **warn**: the date is published with the finding beside it.

Every run of the checks leaves a row per check in `ops.dq_results`: the table, the check (`expectation`), whether it
held, how many rows violate it, a few of them as examples, and a hash of the suite, which ties a published number to
the rules that it passed. A rule is one SQL file in `expectations/invariants/`: a query for the rows that violate it.

A large date is checked where its files are: the database of the checks takes at most 1 GiB of memory and works on disk
beyond it, in `WAREHOUSE/staging/.spill`. A date of few rows is read once into memory.

## Every table

Derived from the declarations that the [data dictionary](dictionary.md) is written from; all of severity fail.

| check | what must hold |
|---|---|
| `columns_in_order` | the declared columns, all of them and no other, in their order |
| `column_types` | their declared types: an amount is a DECIMAL(38,18), never a float |
| `required_values` | a value in every column that may not be null |
| `unique_key` | one row per key; two nulls in a key are the same |
| `business_date` | all rows are of the date |
| `values_of_`*column* | a value of the closed set that the dictionary names |
| `whole_ledger_units` | no amount finer than the ledger unit of its currency |
"""
FINDINGS = """## Findings of the input

Looked for in every date, by `jobs/attribute/findings.py`; all of severity warn. A finding has a row of its own in
`ops.dq_results`: `expectation` is its kind, and after a blank what it is about (an instrument and since when, a file);
`examples` has the sentence. Where nothing is found there is no row. `run` says them, also when it finds the date
unchanged, and `status` as long as the date stands so; where a corrected delivery changes no published row, they are
found anew all the same.

| kind | what it says |
|---|---|"""


def render() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for name in PUBLISHED:
        rules = [rule for rule in all_rules() if rule.table == name]
        if rules:
            parts.append(f"## {name}\n\n| check | severity | why | source |\n|---|---|---|---|")
            parts += [_row(rule) for rule in rules]
            parts.append("")
    parts.append(FINDINGS)
    parts += [f"| `{kind}` | {meaning} |" for kind, meaning in KINDS.items()]
    return "\n".join([*parts, ""])


def _row(rule: Rule) -> str:
    link = f"[`{rule.name}`](../src/lossledger/expectations/invariants/{rule.name}.sql)"
    return f"| {link} | {rule.severity} | {rule.why} | {rule.source} |"
