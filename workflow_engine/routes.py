"""The workflow engine over HTTP, under the names of the LTO service.

```
GET  /scenarios                 the scenarios in this node's own library: [ { id, name, title } ]
POST /scenarios                 check a scenario and keep it there: 201, or 204 when it was there already
GET  /scenarios/<id>            its normal form; a scenario of one of the caller's chains as well
GET  /processes                 the processes on the caller's chains: [ { id, title, chain, current: { key, title } } ]
GET  /processes/<id>            one of them, complete; ?chain=<id> where several chains use the id
GET  /processes/<id>/documents/<asset>   the document that an asset describes (.odt)
GET  /processes/<id>/forms/<action>      the form of an action; ?response=<key> for another outcome than the default
POST /processes/<id>/response   check a response at the tip of the chain and return what has to be signed
POST /responses                 the same, with the process named in the body
```

Comments and deviations are in `workflow_engine.routes_adaptive`.

People sign their own responses (paper section 7.2), so a response is only prepared here; the signed event is posted to
`/event-chains`. Who is not on a chain is told that there is no such process. Errors are raised as they are; the
application turns them into problem+json. The authenticated caller stands in `flask.g.caller`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Response, request

from eventchain.core import base58, canonical_json
from eventchain.core.errors import ForbiddenError
from eventchain.core.hashing import sha256
from eventchain.core.keys import PublicKey
from eventchain.core.paging import number, read_page
from workflow_engine import view, web
from workflow_engine.body import process_reference
from workflow_engine.documents import TEXT_TYPE
from workflow_engine.documents.retrieval import document_in
from workflow_engine.errors import (
    AlreadyExistsError,
    InvalidResponseError,
    ProcessNotFoundError,
    ScenarioNotFoundError,
    json_path,
)
from workflow_engine.forms import form_in
from workflow_engine.ports import Membership, Preparer
from workflow_engine.process import LTO_RESPONSE, Process
from workflow_engine.routes_adaptive import AdaptiveViews
from workflow_engine.service import WorkflowService, kind_of

IN_BODY = "-"
"""A process id in a path that says: look into the body."""

MayAdd = Callable[[PublicKey], bool]
"""Tells whether a caller may add to this node's own library."""


def create_blueprint(
    service: WorkflowService, membership: Membership, preparer: Preparer, may_add: MayAdd | None = None
) -> Blueprint:
    """Return the routes.

    Args:
        service: Does the work.
        membership: Knows who is on which chain.
        preparer: Prepares events to sign.
        may_add: Tells who may add scenarios to this node's own library; by default who is on a chain of this node.
    """
    routes = Blueprint("workflow_engine", __name__)
    views = _Views(service, membership, preparer, may_add or (lambda key: bool(membership.chains_of(str(key)))))
    routes.get("/scenarios")(views.scenarios)
    routes.post("/scenarios")(views.add_scenario)
    routes.get("/scenarios/<scenario_id>")(views.scenario)
    routes.get("/processes")(views.processes)
    routes.get("/processes/<process_id>")(views.process)
    routes.get("/processes/<process_id>/documents/<asset>")(views.document)
    routes.get("/processes/<process_id>/forms/<action>")(views.form)
    routes.post("/processes/<process_id>/response")(views.respond)
    routes.post("/responses")(views.respond)
    adaptive = AdaptiveViews(service, membership, preparer, views.find)
    routes.get("/comments")(adaptive.comments_of_chain)
    routes.get("/processes/<process_id>/comments")(adaptive.comments)
    routes.post("/processes/<process_id>/comments")(adaptive.make_comment)
    routes.get("/processes/<process_id>/comments/<event>")(adaptive.comment)
    routes.get("/processes/<process_id>/deviations")(adaptive.deviations)
    routes.post("/processes/<process_id>/deviations")(adaptive.propose)
    routes.get("/processes/<process_id>/deviations/<event>")(adaptive.deviation)
    routes.post("/processes/<process_id>/deviations/<event>")(adaptive.answer)
    return routes


class _Views:
    """The view functions, with what they need."""

    def __init__(self, service: WorkflowService, membership: Membership, preparer: Preparer, may_add: MayAdd) -> None:
        self._service = service
        self._membership = membership
        self._preparer = preparer
        self._may_add = may_add

    def scenarios(self) -> Response:
        """List this node's own library."""
        web.caller()
        page = read_page("scenarios", request.args)
        return web.answer(*page.cut(self._service.drafts(), lambda item: str(item["id"])))

    def add_scenario(self) -> Response:
        """Check a scenario and keep it in this node's own library."""
        if not self._may_add(web.caller()):
            raise ForbiddenError("You may not add scenarios to this node's library.")
        added, is_new = self._service.add_draft(web.document())
        if not is_new:
            return Response(status=204)
        answer = web.answer(dict(added.normal_form), status=201)
        answer.headers["Location"] = f"/scenarios/{added.id}"
        return answer

    def scenario(self, scenario_id: str) -> Response:
        """Return a scenario of the library, or of one of the caller's chains."""
        caller = web.caller()
        try:
            return web.answer(self._service.draft(scenario_id))
        except ScenarioNotFoundError:
            for chain in self._membership.chains_of(str(caller)):
                known = self._service.scenarios(chain)
                inner = (item for outer in known for item in outer.with_embedded() if item.id == scenario_id)
                found = next((item for item in known if scenario_id in (item.id, item.name)), next(inner, None))
                if found is not None:
                    return web.answer(dict(found.normal_form))
            raise

    def processes(self) -> Response:
        """List the processes on the caller's chains."""
        page = read_page("processes", request.args)
        first = page.after.partition(" ")[0] if page.after else ""
        placed = (
            (f"{chain} {number(index)}", process)
            for chain in sorted(self._membership.chains_of(str(web.caller())))
            if chain >= first
            for index, process in enumerate(self._service.processes(chain))
        )
        found, link = page.cut(placed, lambda item: item[0])
        tag = _tag([process for _, process in found])
        return web.answer([_summary(process) for _, process in found], link, tag=tag)

    def process(self, process_id: str) -> Response:
        """Return a process on one of the caller's chains, complete."""
        process = self.find(process_id)
        around = self._service.around(process)
        tag = _tag([process, *around.above, *around.children])
        if request.if_none_match.contains_weak(tag):
            answer = Response(status=304)
            answer.set_etag(tag)
            return answer
        return web.answer(view.complete(process, around.find, around.children), tag=tag)

    def document(self, process_id: str, asset: str) -> Response:
        """Return the document that an asset of a process describes, made once more."""
        data = document_in(self.find(process_id), asset)
        answer = Response(data, content_type=TEXT_TYPE)
        answer.headers["Content-Disposition"] = 'attachment; filename="document.odt"'
        answer.set_etag(base58.encode(sha256(data)))
        answer.make_conditional(request)
        return answer

    def form(self, process_id: str, action: str) -> Response:
        """Return the form of an action of a process."""
        return web.answer(form_in(self.find(process_id), action, request.args.get("response")))

    def respond(self, process_id: str = IN_BODY) -> Response:
        """Check a response at the tip of the chain, and return what has to be signed."""
        body = web.document()
        if not isinstance(body, dict):
            raise InvalidResponseError("A response should be an object.", path="$")
        named = process_reference(body) if process_id == IN_BODY or "process" in body else process_id
        if process_id not in (IN_BODY, named):
            raise InvalidResponseError("The response is for another process than the path.", path="$.process")
        process = self.find(named)
        event_body = {"$schema": LTO_RESPONSE, **body, "process": process.id}
        if kind_of(event_body["$schema"]) != "response":
            raise InvalidResponseError(
                "This is no response.", path=json_path(("$schema",)), hint=f"Use {LTO_RESPONSE}."
            )
        return web.answer(self._preparer.prepare(process.chain, event_body, web.caller()))

    def find(self, process_id: str) -> Process:
        """Return a process that the caller may see; to others there is none."""
        key, chain = str(web.caller()), request.args.get("chain")
        chains = [
            known
            for known in self._service.locate(process_id)
            if chain in (None, known) and self._membership.identity_of(known, key) is not None
        ]
        if not chains:
            raise ProcessNotFoundError("There is no such process.")
        if len(chains) > 1:
            raise AlreadyExistsError("Several chains have a process with this id.", hint="Add ?chain=<id>.")
        return self._service.process(process_id, chains[0])


def _summary(process: Process) -> dict[str, Any]:
    current = {"key": process.current.key, "title": process.current.title}
    parent = {} if process.parent is None else {"parent": process.parent.to_dict()}
    return {"id": process.id, "title": process.title, "chain": process.chain, "current": current, **parent}


def _tag(processes: Sequence[Process]) -> str:
    """Return what is new whenever one of these processes is: made of the last event of each."""
    return base58.encode(canonical_json.digest([[item.chain, item.id, item.last_event] for item in processes]))
