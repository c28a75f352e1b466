"""Run inside the stack, from standard input: hashes of the published rows of a date as Spark SQL reads them.

python - s3://BUCKET/WAREHOUSE YYYY-MM-DD
"""

import json
import sys
from datetime import date

from pyspark.sql.functions import col, lit

from lossledger.cli.failure import leave
from lossledger.jobs.spark.session import spark_session
from lossledger.schemas.registry import PUBLISHED
from lossledger.store.arrow import arrow_schema
from lossledger.store.places import place
from lossledger.store.published_dates import published_days
from lossledger.store.warehouse import Warehouse, content_hash

root, day = place(sys.argv[1]), date.fromisoformat(sys.argv[2])
warehouse = Warehouse(root)
versions = published_days(warehouse)[day].table_versions
spark = spark_session()
hashes = {}
for name, table in PUBLISHED.items():
    frame = spark.read.format("delta").option("versionAsOf", versions[name]).load(str(warehouse.path(table)))
    rows = frame.where(col(table.partition) == lit(day)).toArrow()
    schema = arrow_schema(table)
    hashes[name] = content_hash([(table, rows.select(schema.names).cast(schema))])
print(json.dumps(hashes))
spark.stop()
leave(0)
