"""Airflow's API server alone, with DAGs, assets and what tasks would have published: what the page needs."""

from __future__ import annotations

import contextlib
import json
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from support.local_airflow import LocalAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HOSTILE_NAME = "<img src=x onerror=document.title=1>"
DAGS = f"""
from airflow.sdk import DAG, Asset, task

def dag_with(dag_id, *assets):
    with DAG(dag_id, schedule=None) as dag:
        @task(outlets=list(assets))
        def load_day(): ...
        load_day()
    return dag

daily = dag_with("daily", Asset("messaging_insights"))
other = dag_with("other", Asset({HOSTILE_NAME!r}, uri="x://hostile"), Asset("by_events"), Asset("of_nobody"))
kept = dag_with("kept", Asset("kept_elsewhere"), Asset("kept_without_events"), Asset("kept_in_references"))
"""
PASSWORD = "a password for this test"
USERS = {"ada": "admin", "vera": "viewer"}


@dataclass
class PageServer:
    """A running API server.

    :param url: where it answers, with its prefix.
    """

    url: str
    tokens: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: object = None, *, user: str = "ada") -> tuple[int, Any]:
        """Call the server as a user, or as nobody for ""; give status and answer."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if user:
            headers["Authorization"] = f"Bearer {self.token(user)}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
                return answer.status, _decoded(answer.read())
        except urllib.error.HTTPError as refusal:
            return refusal.code, _decoded(refusal.read())

    def token(self, user: str) -> str:
        """Log a user in."""
        if user not in self.tokens:
            _, answer = self.call("POST", "/auth/token", {"username": user, "password": PASSWORD}, user="")
            self.tokens[user] = answer["access_token"]
        return self.tokens[user]

    def asset_id(self, name: str) -> int:
        """The id of an asset."""
        _, answer = self.call("GET", "/api/v2/assets?limit=100")
        return next(int(asset["id"]) for asset in answer["assets"] if asset["name"] == name)

    def publish(self, asset: str, values: Mapping[str, Any]) -> None:
        """Store what a task would have published."""
        for key, value in values.items():
            path = f"/api/v2/assets/{self.asset_id(asset)}/state-store/{quote(key)}"
            status, answer = self.call("PUT", path, {"value": value})
            assert status == 204, answer

    def tell(self, asset: str, extra: Mapping[str, Any]) -> None:
        """Make an event of an asset, as if a task had."""
        status, answer = self.call(
            "POST", "/api/v2/assets/events", {"asset_id": self.asset_id(asset), "extra": dict(extra)}
        )
        assert status == 200, answer


@contextlib.contextmanager
def page_server(
    home: Path,
    *,
    migrated: Path | None = None,
    prefix: str = "",
    dags: str = DAGS,
    users: Sequence[str] = tuple(f"{name}:{role}" for name, role in USERS.items()),
    teams: Mapping[str, str] | None = None,
) -> Iterator[PageServer]:
    """Run the API server with the DAGs in its database; no scheduler runs.

    :param users: ``name:role``, and ``:team`` where there are teams.
    :param teams: team -> its DAGs, in a bundle of its own.
    """
    home.mkdir(parents=True, exist_ok=True)
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({user.split(":")[0]: PASSWORD for user in users}))
    airflow = LocalAirflow(home, {}, migrated=migrated)
    airflow.options.update(
        {
            "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(users),
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "API__BASE_URL": f"http://127.0.0.1:{airflow.port}{prefix}",
            "LOGGING__LOGGING_LEVEL": "INFO",
        }
        | (_of_teams(home, teams) if teams else {})
    )
    airflow.dags.mkdir(parents=True, exist_ok=True)
    airflow.add_dags("dags", dags)
    if teams:  # before the server starts: it looks for the teams of its users
        airflow.migrate()
        for team in teams:
            airflow.run_command("teams", "create", team)
        airflow = replace(airflow, migrated=Path(shutil.copy(airflow.database, home / "with-teams.db")))
    with airflow.running(("api-server",)):
        airflow.run_command("dags", "reserialize")
        yield PageServer(f"http://127.0.0.1:{airflow.port}{prefix}")


def _of_teams(home: Path, teams: Mapping[str, str]) -> dict[str, str]:
    bundles = []
    for team, source in teams.items():
        folder = home / f"bundle-{team}"
        folder.mkdir()
        (folder / f"{team}.py").write_text(source)
        classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
        bundles.append({"name": team, "classpath": classpath, "kwargs": {"path": str(folder)}, "team_name": team})
    return {"CORE__MULTI_TEAM": "True", "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles)}


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode()
