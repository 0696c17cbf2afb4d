"""The API document says what the routes do, and the check for that notices when it does not."""

import copy
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import Blueprint, Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

import anchor.routes
import dispatcher.routes
import eventchain.routes
import livecontract.routes
import workflow_engine.routes
import workflow_engine.routes_answers
from eventchain.store.memory import MemoryStore
from livecontract import examination, mailbox, metrics, openapi, update_routes, web_server

PART = cast("Any", SimpleNamespace(archive=None, door=None, parameters=SimpleNamespace(network="T")))
"""Stands for services, which are not called here: the routes alone are looked at."""


def make_app() -> Flask:
    blueprints = [
        anchor.routes.create_blueprint(PART),
        eventchain.routes.create_blueprint(PART, PART),
        dispatcher.routes.create_blueprint(PART, PART),
        workflow_engine.routes.create_blueprint(PART, PART, PART),
        workflow_engine.routes_answers.create_blueprint(PART),
        livecontract.routes.create_invitations_blueprint(PART, PART),
        livecontract.routes.create_evidence_blueprint(PART, PART),
        update_routes.create_blueprint(PART, PART, PART),
        metrics.create_blueprint(PART),
        examination.create_blueprint(PART, PART),
        mailbox.create_blueprint(MemoryStore([mailbox.MAILS]), lambda _: None),
    ]
    about = web_server.About(name="", url="", network="T", system_key="")
    return web_server.create_app(blueprints, about=about, authenticate=PART)


def test_the_document_is_valid_openapi_31() -> None:
    OpenAPIV31SpecValidator(cast("Any", openapi.load())).validate()


def test_the_document_says_what_the_routes_do() -> None:
    assert openapi.differences(make_app(), openapi.load()) == []


def test_every_service_with_routes_is_looked_at() -> None:
    packages = [anchor, dispatcher, eventchain, livecontract, workflow_engine]
    files = [Path(str(package.__file__)).parent / "routes.py" for package in packages]
    names = {
        name for file in files if file.exists() for name in re.findall(r'Blueprint\(\s*"([a-z_]+)"', file.read_text())
    }
    assert names <= make_app().blueprints.keys()


def _remove(document: dict[str, Any]) -> None:
    del document["paths"]["/queue"]["get"]


def _add(document: dict[str, Any]) -> None:
    document["paths"]["/more"] = {"get": {"tags": ["queue"]}}


def _close(document: dict[str, Any]) -> None:
    del document["paths"]["/healthz"]["get"]["security"]


def _open(document: dict[str, Any]) -> None:
    document["paths"]["/queue"]["get"]["security"] = []


def _move(document: dict[str, Any]) -> None:
    document["paths"]["/queue"]["get"]["tags"] = ["node"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_remove, "GET /queue is served and not described"),
        (_add, "GET /more is described and not served"),
        (_close, "GET /healthz is open; the document says otherwise"),
        (_open, "GET /queue is signed; the document says otherwise"),
        (_move, "GET /queue belongs to queue, not node"),
    ],
)
def test_a_difference_is_noticed(change: Any, sentence: str) -> None:
    document = copy.deepcopy(openapi.load())
    change(document)
    before = openapi.differences(make_app(), openapi.load())
    assert set(openapi.differences(make_app(), document)) - set(before) == {sentence}


def test_a_service_that_is_not_run_is_left_out() -> None:
    app = Flask("empty", static_folder=None)
    app.register_blueprint(Blueprint("queue", __name__))
    found = openapi.differences(app, openapi.load())
    assert found
    assert all("/queue" in sentence for sentence in found)


def test_every_operation_has_a_name_of_its_own_and_says_what_it_is_for() -> None:
    operations = [item for path in openapi.load()["paths"].values() for item in path.values()]
    assert len({item["operationId"] for item in operations}) == len(operations)
    assert all(item["summary"].endswith(".") for item in operations)
