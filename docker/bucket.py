"""Create the buckets of LOSSLEDGER_LANDING and LOSSLEDGER_WAREHOUSE where they are not there yet."""

import os
from contextlib import suppress

import s3fs


def main() -> None:
    store = s3fs.S3FileSystem(client_kwargs={"endpoint_url": os.environ["AWS_ENDPOINT_URL"]})
    for name in ("LOSSLEDGER_LANDING", "LOSSLEDGER_WAREHOUSE"):
        where = os.environ[name]
        if where.startswith("s3://"):
            bucket = where.removeprefix("s3://").partition("/")[0]
            with suppress(FileExistsError):
                store.mkdir(bucket)


if __name__ == "__main__":
    main()
