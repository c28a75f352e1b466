"""Signatures: who prepared, reviewed or approved a report, bound to its content hash and void when it changes.

An entry has a hash of itself and of the one before it, so an edited name, role or time is noticed, and so is an entry
that was taken out before another. The last entries can be cut off unnoticed: nothing else in the folder names them.
Whoever can compute a hash can write such an entry: it is a record of who has seen what, and proves nobody's identity.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lossledger.engine.errors import ConfigError, DataError
from lossledger.readers.report.manifest import (
    EARLIER,
    SIGNATURES,
    changed_files,
    content_sha256,
    read_manifest,
)

ROLES = ("preparer", "reviewer", "approver")
_BOUND = ("name", "role", "signed_at", "content_sha256")


def sign_lines(folder: Path, name: str, role: str, now: datetime | None = None) -> Iterator[str]:
    """Add a signature.

    ConfigError: nobody signs, or one person would in two roles. DataError: the report or a signature was edited.
    """
    found = read_manifest(folder)
    content = found["content_sha256"]
    if content_sha256(found) != content:
        raise DataError(f"{folder}/manifest.json was edited: make the report anew before it is signed")
    for line in changed_files(folder, found):
        raise DataError(f"{folder}/{line}; make the report anew before it is signed")
    if not person(name):
        raise ConfigError("--name is empty: say who signs")
    signed = [entry for entry in _read(folder) if entry["content_sha256"] == content]
    if _edited(signed, found["format"] == EARLIER):
        raise DataError(
            f"{folder}/{SIGNATURES} was edited: remove it, and have the report signed anew by all"
        )
    for entry in signed:
        if person(entry["name"]) == person(name):
            raise ConfigError(
                f"{name} has signed this report already, as {entry['role']}"
                + ("" if entry["role"] == role else f", and cannot be its {role} too: that takes two people")
            )
    moment = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    entry = {"name": " ".join(name.split()), "role": role, "signed_at": moment, "content_sha256": content}
    signed.append(entry | {"entry_sha256": _entry_sha256(signed, entry)})
    text = json.dumps(signed, indent=1, ensure_ascii=False) + "\n"
    (folder / SIGNATURES).write_text(text, encoding="utf-8")
    yield f"{entry['name']}, {role}, signed {content}"


def person(name: str) -> str:
    """A name normalised for comparison: no blanks, invisible characters, case, letter widths or letter forms."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in folded if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc"))


def signatures(folder: Path, manifest: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The valid signatures of the report in a folder, and the findings, one line each."""
    content = manifest["content_sha256"]
    try:
        signed = _read(folder)
    except DataError as error:
        return [], [str(error)]
    lines, findings = [], []
    edited = _edited(signed, manifest["format"] == EARLIER)
    for number, entry in enumerate(signed):
        who = f"{entry['name']} ({entry['role']})"
        if number in edited:
            findings.append(f"{SIGNATURES}: the signature of {who} was edited, or one before it")
        elif entry["content_sha256"] != content:
            findings.append(f"{SIGNATURES}: the signature of {who} is void: the report was changed")
        else:
            lines.append(
                f"signed by {who}, {entry['signed_at']}: every file of the manifest, content {content}"
            )
    people: dict[str, str] = {}
    for entry in signed:
        if people.setdefault(person(entry["name"]), entry["role"]) != entry["role"]:
            findings.append(f"{SIGNATURES}: {entry['name']} has signed in two roles")
    return lines, findings


def signers(folder: Path) -> str:
    """The signers of a report in one line; '' if it is unsigned. An unreadable signature file counts as a signature."""
    try:
        return ", ".join(f"{entry['name']} ({entry['role']})" for entry in _read(folder))
    except DataError:
        return "signatures that cannot be read"


def _edited(signed: Sequence[dict[str, Any]], earlier: bool) -> set[int]:
    """Entries whose hash does not match their content and the entry before.

    `earlier`: the manifest's format is the one whose signatures have no hash.
    """
    return {
        number
        for number, entry in enumerate(signed)
        if entry.get("entry_sha256") != _entry_sha256(signed[:number], entry)
        and not (earlier and "entry_sha256" not in entry)
    }


def _entry_sha256(before: Sequence[dict[str, Any]], entry: dict[str, Any]) -> str:
    last = before[-1].get("entry_sha256", "") if before else ""
    text = json.dumps([last, *(entry[name] for name in _BOUND)], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(folder: Path) -> list[dict[str, Any]]:
    path = folder / SIGNATURES
    if not path.exists():
        return []
    try:
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, list) or not all(
            isinstance(entry[name], str) for entry in found for name in _BOUND
        ):
            raise ValueError("no list of entries with name, role, signed_at and content_sha256")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read as signatures: {error}") from error
    return found
