"""Dagster's UI: the same definitions, one asset alone, on the loopback only."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import duckdb
import pytest
import requests
from shared_runs import OBSERVATORY, copied

pytestmark = pytest.mark.integration

LAUNCH = """
mutation($params: ExecutionParams!) {
  launchPipelineExecution(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
  }
}
"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
METADATA = """
query($key: AssetKeyInput!) {
  assetOrError(assetKey: $key) {
    ... on Asset {
      assetMaterializations(limit: 1) { metadataEntries { label ... on IntMetadataEntry { intValue } } }
    }
  }
}
"""
GROUPS = """
{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name }
  assetGroups { groupName assetKeys { path } } } } } }
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := condition()) is not None:
            return found
        time.sleep(0.5)
    raise AssertionError(f"{what}: nothing after {seconds} s")


@pytest.fixture(scope="module")
def ui(embedded_run, tmp_path_factory):
    """The UI over the data of one run; gives its folder, its port and a GraphQL call."""
    data = copied(embedded_run, tmp_path_factory.mktemp("ui")).data
    environment = os.environ | {"OBSERVATORY_DATA": str(data), "DAGSTER_DISABLE_TELEMETRY": "1"}
    port = free_port()
    with (data / "ui.log").open("w") as log:
        server = subprocess.Popen(
            [OBSERVATORY, "dev", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def graphql(query, **variables):
        answer = requests.post(
            f"http://127.0.0.1:{port}/graphql",
            json={"query": query, "variables": variables},
            timeout=30,
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def answering():
        try:
            return requests.get(f"http://127.0.0.1:{port}/server_info", timeout=2).json()
        except requests.ConnectionError:
            return None

    wait_until(answering, 120, "the UI")
    yield data, port, graphql
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(timeout=60)


def test_it_listens_on_the_loopback_only(ui):
    _, port, _ = ui
    listening = f"{port:04X}"
    local = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A"
    ]
    addresses = {address.partition(":")[0] for address in local if address.endswith(f":{listening}")}
    assert addresses == {"0100007F"}


def test_it_shows_the_four_layers(ui):
    _, _, graphql = ui
    (repository,) = graphql(GROUPS)["repositoriesOrError"]["nodes"]
    assert repository["location"]["name"] == "assets.definitions"
    groups = {group["groupName"]: len(group["assetKeys"]) for group in repository["assetGroups"]}
    assert set(groups) == {"raw", "core", "indicators", "published"}
    assert min(groups.values()) >= 1


def test_an_analyst_materializes_one_asset_alone(ui):
    """The run succeeds, the warehouse is replaced, and the metadata says what was done."""
    data, _, graphql = ui
    database = data / "warehouse" / "observatory.duckdb"
    before = database.stat().st_ino
    selector = {
        "repositoryLocationName": "assets.definitions",
        "repositoryName": "__repository__",
        "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": ["core_mbm__cites"]}],
    }
    params = {"selector": selector, "runConfigData": {}, "mode": "default"}
    launched = graphql(LAUNCH, params=params)["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched

    def finished():
        status = graphql(STATUS, id=launched["run"]["runId"])["runOrError"]["status"]
        return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

    assert wait_until(finished, 120, "the run") == "SUCCESS"
    assert database.stat().st_ino != before
    with duckdb.connect(str(database), read_only=True) as warehouse:
        count = warehouse.sql("SELECT count(*) FROM core.cites").fetchone()[0]
    asset = graphql(METADATA, key={"path": ["core_mbm__cites"]})["assetOrError"]
    entries = {
        entry["label"]: entry.get("intValue")
        for entry in asset["assetMaterializations"][0]["metadataEntries"]
    }
    assert entries["dagster/row_count"] == count
    assert "aperçu" in entries
