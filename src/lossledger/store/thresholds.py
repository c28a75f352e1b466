"""The sizes that choose between two ways of doing a thing, or that cut work into tasks and files.

Beside each stands the measurement that set it, on two cores (x86_64) unless it says more.
"""

# Which of two ways ------------------------------------------------------------------------------------------

# Rows from which on a query of DuckDB may use all cores. Two dates of 20 small tables: 2.9 s of CPU with one thread,
# 3.7 s with two.
THREADS_FROM_ROWS = 1 << 17
# Rows of a staged table up to which its parts are sorted in memory for its hash, and beyond it by DuckDB, which spills.
# Two parts: 2 ms against 5 ms for 10 rows, 114 ms against 128 ms for 100,000.
MEMORY_SORT_ROWS = 1 << 18
# Rows of a bucket in a part from which on pass 1 sorts them, so that each stretch of pass 2 is a slice of the part.
# Without it a stretch is a filter over all rows of the bucket: the same time at 5 million rows (0.35 s for 7 stretches
# against 0.30 s), but it grows with the square, and reads the whole bucket from disk again where memory is short.
PRESORT_FROM_ROWS = 1 << 16

# Rows of a date from which on its trades are netted in tasks, each with a part of them; below, one query nets them.
NET_IN_TASKS_FROM_ROWS = 1 << 22
# Work (rows, about) that is worth a job of other processes: an empty one on Spark takes half a second.
POOL_FROM_WORK = 1 << 20

# Sizes of tasks, parts and files ----------------------------------------------------------------------------

TASK_BYTES = 64 << 20  # of text that a task of pass 1 reads: about 600,000 rows
LEAST_TASK_BYTES = 4 << 20  # a smaller task costs more to start than it saves
PART_ROWS, PART_BYTES = 1_000_000, 1 << 28  # of a file between the passes: what a task holds
SORT_ROWS = 1_500_000  # that a task of pass 2 sorts and holds at once
LEDGER_FILE_ROWS = 400_000  # of a file of the ledger, about
TASK_HASHES = 16_000_000  # hashes of keys that a task sorts: 128 MB
REQUEST_BYTES = 8 << 20  # of one request to an object store; a smaller object is read whole
DUCKDB_MEMORY = (
    "1GiB"  # of a database; beyond it, it works on disk. A process has one, or two where it checks
)
# Rows of a task of the replay, as long as each worker has at most so many tasks, and eight times the ticks, which every
# task reads: more tasks than workers show how far the replay is.
REPLAY_TASK_ROWS, REPLAY_TASKS_EACH = 2_000_000, 8
FILLS_AT_ONCE = (
    1 << 20
)  # whose columns a task of the replay holds together; a house account with more is cut in time
UNIT_PART_ROWS = 1 << 18  # rows of units, from which on a part of the replay is written
REFERENCE_STATES = 1 << 18  # units × instants that are held at once as rows of the reference
LOT_CLOSINGS_AT_ONCE = 1 << 17  # closings of lots that are a table at once
EVENT_WINDOW_ROWS = 1 << 21  # changes of units that the comparison by event holds and sorts at once
