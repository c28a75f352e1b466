"""Operations: what ran, what is published, what was checked, what changed."""

from lossledger.schemas.core import BUSINESS_DATE, Table, count, flag, text, when

RUNS = Table(
    "ops",
    "runs",
    "date that a run worked on and that changed anything, or failed",
    "One row a date, run and start of work: a stage that a scheduler starts again under the same run, after a "
    "failure, has a row of its own. A rerun that finds nothing to change leaves no row, unless the last run of the "
    "date had failed: then it says that the date stands as published.",
    (
        BUSINESS_DATE,
        text("run_id", "When the run started and a random part."),
        text("outcome", "What became of the date.", values=("published", "unchanged", "failed")),
        count("exit_code", "The exit code of the date's work."),
        text("message", "What failed, in one line; empty when nothing did."),
        when("started_at", "When this process started to work on the date."),
        count("milliseconds", "How long it took; of a night in several processes, all its stages until now."),
        text("seconds_by_stage", "Stage to seconds, as JSON."),
        text("counts", "Table to rows written, as JSON."),
        text("inputs", "Input table to Delta version, as JSON."),
        text("rules_version", "Version of the rules' code."),
        text("policy_sha256", "Hash of the policy that was in force."),
    ),
    ("business_date", "run_id", "started_at"),
)
PUBLISHED_DAYS = Table(
    "ops",
    "published_days",
    "published date",
    "The commit that readers go by: a date that is not here is not published, whatever the other tables hold.",
    (
        BUSINESS_DATE,
        text("run_id", "The run that published it."),
        when("published_at", "When."),
        when(
            "session_start", "The session is [session_start, session_end); the first date has no lower bound."
        ),
        when("session_end", "The end of the session."),
        flag("first_date", "Whether it is the first date of the warehouse."),
        text("input_sha256", "Hash of all that the date was computed from."),
        text("output_sha256", "Hash of all rows published for the date."),
        text("table_versions", "Table to Delta version, as JSON: read these for what was published."),
        text("table_sha256", "Table to the hash of its rows of the date, as JSON."),
        text(
            "table_columns",
            "Table to the columns that its hash is over, as JSON; empty: those of warehouse format 4.",
        ),
    ),
    ("business_date",),
)
DQ_RESULTS = Table(
    "ops",
    "dq_results",
    "check of a date",
    "Results of the Great Expectations suites that gate publication, a row per check; and what was found of the date's "
    "input, a row per finding, of severity warn (docs/checks.md).",
    (
        BUSINESS_DATE,
        text(
            "run_id", "The run; of findings of rows that were published before, the run that published them."
        ),
        text("table_name", "The table that was checked."),
        text("expectation", "What was expected; of a finding its kind, and after a blank what it is about."),
        text(
            "severity",
            "fail: the date is not published; warn: published with the finding.",
            values=("fail", "warn"),
        ),
        flag("success", "Whether it held."),
        count("unexpected_count", "Rows that violate it."),
        text("examples", "A few of them, as JSON; of a finding, its sentence (text) and what it says."),
        text("suite_sha256", "Hash of the suite."),
    ),
    ("business_date", "run_id", "table_name", "expectation"),
)
RESTATEMENTS = Table(
    "ops",
    "restatements",
    "published table of a date that a later run replaced",
    "What was published before stays readable at the old table version.",
    (
        BUSINESS_DATE,
        text("run_id", "The run that replaced it."),
        when("restated_at", "When."),
        text("table_name", "The table."),
        count("rows_before", "Rows of the date before."),
        count("rows_after", "Rows of the date after."),
        text("version_before", "Delta version before."),
        text("version_after", "Delta version after."),
    ),
    ("business_date", "run_id", "table_name"),
)
RESTATEMENT_REASONS = Table(
    "ops",
    "restatement_reasons",
    "reason for which a later run published other rows of a date",
    "Belongs to the rows of ops.restatements with the same business_date and run_id. What changed since the date was "
    "published before: an input, a policy key, the rules or the date before.",
    (
        BUSINESS_DATE,
        text("run_id", "The run that replaced it."),
        when("restated_at", "When."),
        text("reason", "What changed, in words: which input file, policy key or rules version."),
    ),
    ("business_date", "run_id", "reason"),
)
POLICIES = Table(
    "ops",
    "policies",
    "policy key × time from which it was in force in a session",
    "The policy that a published date was computed with. A date that was published before this was kept has no row.",
    (
        BUSINESS_DATE,
        text("run_id", "The run that noted it."),
        text("key", "The key, as in policy.yaml; also where the default held."),
        text("value", "Its value, as policy.yaml would have it."),
        when(
            "valid_from",
            "The start of the session, or the later time at which the key changed in it. The first date also has rows "
            "of the time before its session, from 1970 on: events of that time belong to it.",
        ),
    ),
    ("business_date", "key", "valid_from"),
)
PUBLISHED_FROM = Table(
    "ops",
    "published_from",
    "thing that a published date was computed from",
    "What the date's input_sha256 is made of, by name. A date that was published before this was kept has no row.",
    (
        BUSINESS_DATE,
        text("run_id", "The run that noted it."),
        text(
            "kind",
            "What it is: a delivered dataset of a folder, reference data, the rules' code, the date before, a "
            "scenario's fund opening, or a file that the policy was read from.",
            values=("delivery", "reference", "rules", "date_before", "fund_opening", "policy_file"),
        ),
        text("name", "Which one."),
        text("value", "Its hash, version or amount; of a policy file the whole text."),
    ),
    ("business_date", "kind", "name"),
)
RECORDED = (POLICIES, PUBLISHED_FROM)  # written with each published date, at a version that its row names
TABLES = (RUNS, PUBLISHED_DAYS, DQ_RESULTS, RESTATEMENTS, RESTATEMENT_REASONS, *RECORDED)
