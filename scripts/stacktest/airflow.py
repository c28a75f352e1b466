"""Airflow's REST API, as an operator's script would use it: a token for the password, then runs and their tasks."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from scripts.stacktest.compose import Failed, wait

DAG = "lossledger_nightly"
ENDED = ("success", "failed")


class Airflow:
    """One user's view of the nightly DAG."""

    def __init__(self, address: str, password: str) -> None:
        self._address, self._password = f"http://{address}", password
        self._token = ""
        self._was_paused = True
        self._started: list[str] = []

    def log_in(self) -> None:
        """Take a token; Failed when the password is refused."""
        self._token = ""
        self._token = self._ask("POST", "/auth/token", {"username": "admin", "password": self._password})[
            "access_token"
        ]

    def unpause(self) -> None:
        """A night that has just been missed may begin by that; the runs of the test then wait for it."""
        found = wait("the DAG is known", lambda: self.ask("GET", f"/dags/{DAG}", missing=None), 120)
        self._was_paused = found["is_paused"]
        self._pause(False)

    def trigger(self, **params: str) -> str:
        """Start a run with these parameters; its id."""
        body = {"logical_date": None, "conf": params}
        self._started.append(str(self.ask("POST", f"/dags/{DAG}/dagRuns", body)["dag_run_id"]))
        return self._started[-1]

    def leave(self) -> None:
        """End what still runs of the test, and pause the DAG if it was."""
        if not self._token:
            return
        for run_id in self._started:
            if not self.ended(run_id):
                self.ask("PATCH", f"/dags/{DAG}/dagRuns/{run_id}", {"state": "failed"})
        self._pause(self._was_paused)

    def _pause(self, paused: bool) -> None:
        self.ask("PATCH", f"/dags/{DAG}", {"is_paused": paused})

    def run(self, run_id: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/dags/{DAG}/dagRuns/{run_id}"))

    def tasks(self, run_id: str) -> dict[str, dict[str, Any]]:
        """The tasks of a run by name."""
        found = self.ask("GET", f"/dags/{DAG}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {task["task_id"]: task for task in found}

    def state(self, run_id: str, task: str) -> str | None:
        """None while the API does not answer: it may just be what is being restarted."""
        try:
            return self.tasks(run_id)[task]["state"]
        except (OSError, Failed):
            return None

    def ended(self, run_id: str) -> str | None:
        """How a run ended, None as long as it has not."""
        try:
            state = self.run(run_id)["state"]
        except (OSError, Failed):
            return None
        return state if state in ENDED else None

    def wait(self, run_id: str, seconds: float = 900) -> float:
        """Wait for success; the run's seconds. Failed with the last words of the task that failed."""
        state = wait(f"{run_id} ends", lambda: self.ended(run_id), seconds, 2)
        if state != "success":
            raise Failed(f"{run_id} {state}: {self.last_words(run_id)}")
        return float(self.run(run_id)["duration"])

    def last_words(self, run_id: str) -> str:
        """The end of the log of the task that failed."""
        for name, task in self.tasks(run_id).items():
            if task["state"] == "failed":
                path = f"/dags/{DAG}/dagRuns/{run_id}/taskInstances/{name}/logs/{task['try_number']}"
                lines = [line.get("event", "") for line in self.ask("GET", path)["content"]]
                return f"{name}: {' | '.join(lines[-4:])}"
        return "no task failed"

    def ask(self, method: str, path: str, body: Any = None, missing: Any = Failed) -> Any:
        try:
            return self._ask(method, f"/api/v2{path}", body)
        except HTTPError as error:
            if error.code == 404 and missing is not Failed:
                return missing
            raise Failed(f"{method} {path}: {error.code} {error.read()[:300]!r}") from error

    def _ask(self, method: str, path: str, body: Any) -> Any:
        request = Request(
            self._address + path, method=method, data=json.dumps(body).encode() if body else None
        )
        request.add_header("Content-Type", "application/json")
        request.add_header("Accept", "application/json")
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)
