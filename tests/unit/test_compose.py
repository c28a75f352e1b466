"""The compose file and its image agree with each other and with what `make setup` installs."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()


def test_services() -> None:
    assert set(SERVICES) == {"postgres", "migrate", "api-server", "scheduler", "dag-processor", "job"}


def test_every_named_volume_and_dependency_exists() -> None:
    for service in SERVICES.values():
        named = [v.split(":")[0] for v in service["volumes"] if v[0] not in "./$"]
        assert set(named) <= set(COMPOSE["volumes"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)


def test_no_secret_is_written_down_and_all_are_explained() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?", COMPOSE_TEXT))
    example = (ROOT / "docker" / "env.example").read_text()
    assert needed == set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) - {"LOSSLEDGER_SCHEDULE"}


def test_ports_are_open_to_this_machine_only() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_image_has_the_setup_scripts_uv() -> None:
    setup = (ROOT / "scripts" / "setup").read_text()
    version = re.search(r"^UV_VERSION=(\S+)$", setup, re.MULTILINE)
    assert version and f"uv=={version.group(1)} " in DOCKERFILE.replace("\n", " ")


def test_image_gets_every_package() -> None:
    allowed = (ROOT / "docker" / "Dockerfile.dockerignore").read_text().split()
    packages = [
        "schemas",
        "engine",
        "kernel",
        "expectations",
        "jobs",
        "adapters",
        "simulator",
        "dags",
        "uv.lock",
    ]
    assert [name for name in packages if f"!{name}" not in allowed] == []
