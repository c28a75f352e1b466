"""What is effective at a time (rules.md section 1): the same way for everything that has a valid_from."""

import pytest

from lossledger.engine.clock import NEVER
from lossledger.engine.errors import DataError
from lossledger.engine.events import Account, AccountVersion, Market
from lossledger.engine.intake.policy import parse_policy
from lossledger.engine.numbers import E18
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.margin import TierHistory, TierTable
from lossledger.engine.versions import Versions

SINCE = 1_760_000_000_000_000  # microseconds


@pytest.mark.parametrize(
    ("ts", "version", "until"),
    [(9, None, 10), (10, "first", 20), (19, "first", 20), (20, "second", NEVER), (99, "second", NEVER)],
)
def test_largest_valid_from_that_has_come(ts: int, version: str | None, until: int) -> None:
    """In whatever order they are given; unknown before the first."""
    versions = Versions([(20, "second"), (10, "first")])
    assert (versions.at(ts), versions.next_change(ts)) == (version, until)


def test_of_two_versions_of_one_time_the_later_given_holds() -> None:
    assert Versions([(10, "a"), (10, "b")]).at(10) == "b"
    policy = parse_policy([{"valid_from": SINCE, "trigger": "lte"}, {"valid_from": SINCE, "trigger": "lt"}])
    assert policy.at(SINCE).trigger == "lt"


def test_nothing_is_known_before_its_first_version() -> None:
    """An account, a tick size and a margin table; a policy has defaults."""
    account = Account("a", "client", Versions([(10, AccountVersion("retail", True))]))
    market = Market({"P": Contract("P", "linear", "USD", 2, E18)}, {"P": Versions([(10, E18)])}, {})
    tiers = TierHistory("P", {10: TierTable([(0, 0)], 2)})
    assert (account.at(10).client_class, market.tick_size("P", 10), tiers.at(10)[1]) == ("retail", E18, NEVER)
    with pytest.raises(DataError, match="account a is unknown at 1970"):
        account.at(9)
    with pytest.raises(DataError, match="instrument P is unknown at 1970"):
        market.tick_size("P", 9)
    with pytest.raises(DataError, match="no effective margin table"):
        tiers.at(9)
    assert parse_policy([{"valid_from": SINCE, "trigger": "lte"}]).at(SINCE - 1).trigger == "lt"
