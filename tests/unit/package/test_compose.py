"""The compose file and its image agree with each other, with what `make setup` installs, and with their promises."""

import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.stack_env import env_text, write_env
from scripts.stacktest.page import commands

ROOT = Path(__file__).resolve().parents[3]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
ONE_SHOTS = {"bucket", "migrate", "job"}
AIRFLOW = {"api-server", "scheduler", "dag-processor", "triggerer"}
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
MACHINE_MIB = 8192
KEPT_FREE_MIB = 1024  # the system's, and the page cache's


def test_services() -> None:
    spark = {"spark-master", "spark-worker-1", "spark-worker-2"}
    assert set(SERVICES) == {"postgres", "store"} | spark | AIRFLOW | ONE_SHOTS


def test_every_named_volume_and_dependency_exists() -> None:
    for service in SERVICES.values():
        assert {v.split(":")[0] for v in service.get("volumes", [])} <= set(COMPOSE["volumes"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)


def test_workers_share_nothing_with_anybody() -> None:
    """But the store, which is no volume of theirs."""
    for name in ("spark-worker-1", "spark-worker-2"):
        mine = {v.split(":")[0] for v in SERVICES[name]["volumes"]}
        others = {v.split(":")[0] for n, s in SERVICES.items() if n != name for v in s.get("volumes", [])}
        assert mine.isdisjoint(others)


def test_no_secret_is_written_down_and_each_is_made() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?", COMPOSE_TEXT))
    made = dict(line.split("=", 1) for line in env_text().splitlines() if not line.startswith("#"))
    assert needed == set(made)
    assert min(map(len, made.values())) >= 20
    named = re.findall(r"^ *\w*(?:PASSWORD|SECRET|KEY): (.*)$", COMPOSE_TEXT, re.MULTILINE)
    assert named and all(value.startswith("${") for value in named)


def test_env_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    write_env(tmp_path / ".env")
    first = (tmp_path / ".env").read_text()
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_env(tmp_path / ".env")
    assert (tmp_path / ".env").read_text() == first != env_text()


def test_ports_are_open_to_this_machine_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_shut_in(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])  # numbers, and not root
    assert re.fullmatch(r"[\w/]+:(?!latest)[\w.-]+", service["image"])
    assert service["restart"] == ("no" if name in ONE_SHOTS else "unless-stopped")
    assert ("healthcheck" in service) == (name not in ONE_SHOTS)
    assert "mem_limit" in service


def test_memory_fits_the_machine_as_written_down() -> None:
    found = {name: int(re.findall(r"(\d+)m\}?$", s["mem_limit"])[0]) for name, s in SERVICES.items()}
    total = sum(limit for name, limit in found.items() if name not in ONE_SHOTS)
    assert total <= MACHINE_MIB - KEPT_FREE_MIB
    assert f"in all {total} MiB" in COMPOSE_TEXT


def test_image_has_the_setup_scripts_uv() -> None:
    setup = (ROOT / "scripts" / "setup").read_text()
    version = re.search(r"^UV_VERSION=(\S+)$", setup, re.MULTILINE)
    assert version and f"uv=={version.group(1)} " in DOCKERFILE.replace("\n", " ")


def test_image_gets_the_package_and_what_it_starts() -> None:
    allowed = (ROOT / "docker" / "Dockerfile.dockerignore").read_text().split()
    started = set(re.findall(r"/app/(docker/[\w-]+)", COMPOSE_TEXT))
    assert [name for name in {"src", "dags", "uv.lock", *started} if f"!{name}" not in allowed] == []
    assert all((ROOT / name).stat().st_mode & 0o111 for name in started)


def test_page_has_commands_that_stack_test_runs() -> None:
    assert len(commands()) >= 5
