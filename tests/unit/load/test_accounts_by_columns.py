"""Accounts as columns say the same as one by one."""

import pickle
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.events import AccountVersion
from lossledger.schemas.ledger import TYPED
from lossledger.store.account_table import AccountTable, FirstSeen
from lossledger.store.arrow import arrow_schema
from lossledger.store.buckets import account_bucket, account_buckets

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS = [
    # account, type, class, protected, valid_from
    ("é", "client", "retail", True, 0),
    ("b", "client", "professional", False, 7),
    ("a", "house", "eligible_counterparty", False, 5),
    ("b", "client", "retail", True, 3),
]


def accounts() -> AccountTable:
    schema = arrow_schema(TYPED["accounts"])
    rows = [(*row[:4], EPOCH + timedelta(microseconds=row[4])) for row in ROWS]
    return AccountTable(pa.table([pa.array(c) for c in zip(*rows, strict=True)], schema=schema))


def test_an_account_is_found_by_its_name_with_its_versions_in_order_of_time() -> None:
    found = pickle.loads(pickle.dumps(accounts()))
    assert list(found) == ["a", "b", "é"]
    assert (found["a"].is_house, found["b"].is_house) == (True, False)
    assert found["b"].versions.items() == [
        (3, AccountVersion("retail", True)),
        (7, AccountVersion("professional", False)),
    ]
    assert found.get("c") is None


def test_an_account_is_known_from_its_first_version_on() -> None:
    assert dict(accounts().first_seen) == {"a": 5, "b": 3, "é": 0}
    assert dict(FirstSeen.of({"z": 9})) == {"z": 9}


def test_there_may_be_no_accounts() -> None:
    none = AccountTable(arrow_schema(TYPED["accounts"]).empty_table())
    assert (len(none), list(none), dict(none.first_seen)) == (0, [], {})


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12)))
def test_the_buckets_of_a_column_are_those_of_its_names(names: list[str]) -> None:
    assert account_buckets(pa.array(names, pa.string())).tolist() == [account_bucket(n) for n in names]
