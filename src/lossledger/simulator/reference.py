"""Writes the undated part of a landing zone: who and what there is, and the policy."""

from lossledger.simulator.config import MarketConfig
from lossledger.simulator.contracts import Contract
from lossledger.simulator.landing import REQUIRED, LandingZone, copy_suffix
from lossledger.simulator.market import LISTED_SINCE, SCALES, Trader, second_day_us, tier_rows
from lossledger.simulator.takeover import BACKSTOP_BELOW, UNWIND_SECONDS
from lossledger.simulator.venue import LIQUIDATOR, MAKER


def write_reference(landing: LandingZone, config: MarketConfig, contracts: list[Contract],
                     traders: list[Trader], start_us: int) -> None:  # fmt: skip
    """currencies, instruments, margin_tiers, accounts (once per copy) and policy.yaml."""
    used = sorted({c.settlement for c in contracts})
    landing.reference("currencies", ("currency", "scale"), [(c, str(SCALES[c])) for c in used])
    landing.reference(
        "instruments",
        ("instrument_id", "kind", "base_currency", "quote_currency", "settlement_currency", "multiplier",
         "tick_size", "lot_size", "valid_from"),
        [(c.instrument_id, c.kind, c.base, c.quote, c.settlement, str(c.multiplier), str(c.tick_size),
          str(c.lot_size), LISTED_SINCE) for c in contracts],
    )  # fmt: skip
    landing.reference("margin_tiers", ("instrument_id", "valid_from", "notional_floor", "maintenance_rate"),
                      tier_rows(contracts, second_day_us(config, start_us)))  # fmt: skip
    takes_over = config.liquidations != "market"
    kinds = ((MAKER, "house"), (LIQUIDATOR, "liquidator" if takes_over else "house"))
    rows = [(account, kind, "institutional", "false", LISTED_SINCE) for account, kind in kinds]
    for number in range(config.copies):
        for t in traders:
            account_id = t.account_id + copy_suffix(number)
            for since, kind, protected in t.versions:
                valid_from = str(since) if since else LISTED_SINCE
                rows.append((account_id, "client", kind, str(protected).lower(), valid_from))
    columns = ("account_id", "account_type", "client_class", "negative_balance_protected", "valid_from")
    landing.reference("accounts", columns, rows)
    policy = {
        "trigger": "lt", "execution": config.execution, "latency_us": str(config.latency_us),
        "slippage_rate": f"'{config.slippage_rate}'",
        "liquidation_fee_rate": f"'{config.liquidation_fee_rate}'", "liquidation_fee_to": "fund",
        "residual": config.residual, "fund_floor": "{}", "sharing": config.sharing,
        "session_start": "'00:00'", "required_datasets": f"[{', '.join(REQUIRED)}]",
    }  # fmt: skip
    if takes_over:
        policy |= {"liquidation_style": config.liquidations, "unwind_us": str(UNWIND_SECONDS * 10**6)}
        policy |= {"backstop_below": f"'{BACKSTOP_BELOW[0]}/{BACKSTOP_BELOW[1]}'"}
    lines = [f"- valid_from: '{LISTED_SINCE}'"] + [f"  {key}: {value}" for key, value in policy.items()]
    landing.text("policy.yaml", "\n".join(lines) + "\n")
