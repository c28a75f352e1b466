"""Signatures: who prepared, reviewed or approved a report, bound to its content hash and void when it changes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, DataError
from readers.report.manifest import SIGNATURES, content_sha256, read_manifest

ROLES = ("preparer", "reviewer", "approver")


def sign_lines(folder: Path, name: str, role: str, now: datetime | None = None) -> Iterator[str]:
    """Add a signature. ConfigError: nobody signs, or the preparer would approve. DataError: it was changed."""
    found = read_manifest(folder)
    content = found["content_sha256"]
    if content_sha256(found) != content:
        raise DataError(f"{folder}/manifest.json was edited: make the report anew before it is signed")
    if not name.strip():
        raise ConfigError("--name is empty: say who signs")
    signed = [entry for entry in _read(folder) if entry["content_sha256"] == content]
    if any(entry["name"] == name and entry["role"] != role for entry in signed):
        raise ConfigError(
            f"{name} has signed this report in another role: preparer and approver are two people"
        )
    moment = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    signed.append({"name": name, "role": role, "signed_at": moment, "content_sha256": content})
    text = json.dumps(signed, indent=1, ensure_ascii=False) + "\n"
    (folder / SIGNATURES).write_text(text, encoding="utf-8")
    yield f"{name}, {role}, signed {content}"


def signature_findings(folder: Path, content: str) -> Iterator[str]:
    """A line for each signature of something else than what lies in the folder."""
    try:
        signed = _read(folder)
    except DataError as error:
        yield str(error)
        return
    for entry in signed:
        if entry["content_sha256"] != content:
            yield f"{SIGNATURES}: the signature of {entry['name']} ({entry['role']}) is void: the report was changed"


def _read(folder: Path) -> list[dict[str, Any]]:
    path = folder / SIGNATURES
    if not path.exists():
        return []
    try:
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        [(entry["name"], entry["role"], entry["content_sha256"]) for entry in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read as signatures: {error}") from error
    return found
