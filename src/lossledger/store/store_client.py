"""Client of an object store: retries, and clear errors for its answers."""

import os
import re
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from lossledger.engine.errors import ConfigError, ConflictError, LossledgerError

if TYPE_CHECKING:
    from obstore.store import S3Store

_RETRIES, _FIRST_MS, _LONGEST_S = 12, 200, 10
_REQUEST_S = 30  # of a single request, which transfers some megabytes at most
# Answers that a retry does not change, with the correction. Any other error is a trouble of the store: it is down,
# overloaded or slow.
_MEANINGS = (
    (r"NoSuchBucket", "there is no such bucket: create it, or correct the name"),
    (r"InvalidBucketName", "that is no name of a bucket: s3://BUCKET/PREFIX is what is wanted"),
    (
        r"PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraint|x-amz-bucket-region",
        "the bucket is in another region: set AWS_REGION",
    ),
    (
        r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|"
        r"\b40[13] (Forbidden|Unauthorized)|permission|[Uu]nauthenticated|privileges",
        "it refuses these credentials: see AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the rights of their owner",
    ),
    (
        r"169\.254\.169\.254|[Cc]redential",
        "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role",
    ),
    (
        r"NotImplemented|\b501 ",
        "it does not know something that it is asked for, such as a put on condition (If-None-Match, If-Match): "
        "another store is needed",
    ),
    (r"URL scheme is not allowed|builder error|relative URL", "AWS_ENDPOINT_URL is no http or https address"),
)
_OF_A_STORE = re.compile(
    r"Generic S3 error|Generic HTTP error|error sending request|Error performing [a-zA-Z]+ "
)


def patience_s() -> int:
    """Seconds for which a request without an answer is retried: LOSSLEDGER_STORE_SECONDS."""
    text = os.environ.get("LOSSLEDGER_STORE_SECONDS", "60")
    if not text.isdigit() or not int(text):
        raise ConfigError(f"LOSSLEDGER_STORE_SECONDS is {text!r}, and not a number of seconds")
    return int(text)


def _request_s() -> int:
    return min(_REQUEST_S, patience_s())


def endpoint() -> str:
    """The store's address; empty for the default of the libraries."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def allows_http() -> bool:
    """Whether the address allows requests without encryption."""
    return endpoint().startswith("http://")


def storage_options() -> dict[str, str]:
    """For delta-rs, which reads the rest from the environment itself."""
    return {
        "allow_http": str(allows_http()).lower(),
        "max_retries": str(_RETRIES),
        "retry_timeout": f"{patience_s()}s",
        "backoff_config.init_backoff": f"{_FIRST_MS}ms",
        "backoff_config.max_backoff": f"{_LONGEST_S}s",
        "connect_timeout": "5s",
        "timeout": f"{_request_s()}s",
    }


def store_of(bucket: str, patience: int | None = None) -> "S3Store":
    """The process's client of a bucket: a forked process must have its own. `patience`: seconds, by default as set."""
    return _store(bucket, os.getpid(), endpoint(), patience or patience_s())


@cache
def _store(bucket: str, _process: int, _endpoint: str, seconds: int) -> "S3Store":
    from obstore.store import S3Store

    return S3Store(
        bucket,
        client_options={
            "allow_http": allows_http(),
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=_request_s()),
        },
        retry_config={
            "max_retries": _RETRIES,
            "retry_timeout": timedelta(seconds=seconds),
            "backoff": {
                "init_backoff": timedelta(milliseconds=_FIRST_MS),
                "max_backoff": timedelta(seconds=_LONGEST_S),
                "base": 2,
            },
        },
    )


def store_error(error: BaseException, where: str) -> LossledgerError:
    """A one-line error that names the store: ConfigError for a setting that a person has to correct.

    ConflictError: it did not answer in time. The library's own text, a page about every retry, is left out.
    """
    text = str(error)
    at = f"{where} (store {endpoint() or 'of AWS'})"
    for pattern, what in _MEANINGS:
        if re.search(pattern, text):
            return ConfigError(f"{at}: {what}")
    if "PreconditionError" in type(error).__name__:
        return ConflictError(f"{where} changed while it was read: try again when it is complete")
    status = re.search(r"status code: (\d{3})", text)
    said = f"answers {status[1]}" if status else "does not answer"
    return ConflictError(f"{at}: the store {said}, also when asked again; run the same command when it does")


def is_store_error(error: BaseException) -> bool:
    """Whether an error of delta-rs comes from a request to a store."""
    return bool(_OF_A_STORE.search(str(error)))
