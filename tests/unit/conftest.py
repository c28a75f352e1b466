"""Fixtures of the tests that call the command line in their own process."""

import argparse
from dataclasses import replace
from datetime import date

import pytest

import cli.main
import cli.stage
from cli.arguments import request_from
from jobs.run import Request
from tests.unchecked import unchecked


def _request(args: argparse.Namespace, first: date, last: date) -> Request:
    return replace(request_from(args, first, last), check=unchecked)


@pytest.fixture
def unchecked_cli(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line asks for is run without the quality checks."""
    for door in (cli.main, cli.stage):
        monkeypatch.setattr(door, "request_from", _request)
