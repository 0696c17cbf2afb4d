"""Sub-processes over HTTP: a process tells its sub-processes, they tell their parent."""

from typing import Any

import pytest

from tests.workflow_engine.nesting import Contract, checking
from tests.workflow_engine.test_routes import MEMBER, Client, client_of


@pytest.fixture
def contract() -> Contract:
    return checking(name="a")


@pytest.fixture
def client(contract: Contract) -> Client:
    return client_of(contract.engine)


def get(client: Client, path: str) -> Any:
    answer = client.get(path, MEMBER)
    assert answer.status_code == 200, answer.get_data()
    return answer.get_json()


def test_process_shows_its_sub_processes_and_they_show_their_parent(client: Client, contract: Contract) -> None:
    inner = contract.child("inspect")
    shown = get(client, "/processes/p")
    assert [(item["action"], item["process"], item["state"]) for item in shown["sub_processes"]] == [
        ("inspect", inner, "initial"),
        ("finance", contract.child("finance"), "initial"),
    ]
    one = get(client, f"/processes/{inner}")
    assert one["parent"] == {name: shown["sub_processes"][0][name] for name in ("action", "event")} | {"process": "p"}
    assert "abandoned" not in one
    listed = get(client, "/processes")
    assert [item.get("parent", {}).get("process") for item in listed] == [None, "p", "p", inner]


def test_scenario_of_a_sub_process_is_found_by_its_id(client: Client, contract: Contract) -> None:
    inner = get(client, f"/processes/{contract.child('inspect')}")
    assert get(client, f"/scenarios/{inner['scenario']}")["title"] == "Inspection"


def test_what_happens_in_one_of_the_processes_makes_the_view_of_the_others_new(
    client: Client, contract: Contract
) -> None:
    child = contract.child("finance")
    tags = {path: client.get(path).headers["ETag"] for path in ("/processes/p", f"/processes/{child}")}
    contract.act(contract.child("inspect"), "stop")
    assert client.get("/processes/p", **{"If-None-Match": tags["/processes/p"]}).status_code == 200
    assert client.get(f"/processes/{child}", **{"If-None-Match": tags[f"/processes/{child}"]}).status_code == 304
    contract.act("p", "leave", "beta")
    assert get(client, f"/processes/{child}")["abandoned"] is True
    assert client.get(f"/processes/{child}", **{"If-None-Match": tags[f"/processes/{child}"]}).status_code == 200


def test_proposal_in_a_sub_process_tells_the_differences_from_its_embedded_scenario(
    client: Client, contract: Contract
) -> None:
    child = contract.child("inspect")
    proposal = contract.add(
        {
            "$schema": "urn:livecontract:deviation:1",
            "process": child,
            "title": "Look later",
            "from": "initial",
            "to": ":cancelled",
            "states": {"later": {"action": "stop", "transition": ":cancelled"}},
        }
    )
    found = get(client, f"/processes/{child}/deviations/{proposal}")
    assert {item["path"] for item in found["structure"]} == {"$.states.later"}
