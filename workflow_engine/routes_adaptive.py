"""What was said and proposed beside a process, over HTTP (paper section 8).

```
GET  /processes/<id>/comments            what was said about a process, in the order of the chain
GET  /processes/<id>/comments/<event>    one comment, whole
POST /processes/<id>/comments            check a comment at the tip of the chain, and return what has to be signed
GET  /comments?chain=<id>                all comments of a chain, those about no process included
GET  /processes/<id>/deviations          what was proposed in a process, what became of it, and who answered what
POST /processes/<id>/deviations          check a proposal, and return what has to be signed
GET  /processes/<id>/deviations/<event>  one proposal, with its whole text, and how the scenarios differ
POST /processes/<id>/deviations/<event>  check an answer to it, and return what has to be signed
```

Nothing is stored by what prepares: people sign, and post the event to `/event-chains` (paper section 7.2).

Lists leave out content that is longer than `comment.SHORT` characters. Content is always answered inside JSON, never
under its own media type, so that no browser takes what a stranger wrote for a page. Who is not on a chain is told that
there is nothing.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from flask import Response, request

from eventchain.core.errors import InvalidError
from eventchain.core.paging import MAX_ITEMS, number, read_page
from workflow_engine import comment, web
from workflow_engine.beside import Numbered
from workflow_engine.comment import OWN_COMMENT
from workflow_engine.consent import OWN_CONSENT
from workflow_engine.difference import differences
from workflow_engine.errors import CommentNotFoundError, json_path
from workflow_engine.ports import Membership, Preparer
from workflow_engine.process import Process
from workflow_engine.proposal import OWN_DEVIATION, deviating_scenario, read_proposal
from workflow_engine.service import WorkflowService

MAX_PROPOSALS = 100
"""On a page: what became of each is found out one by one."""

_POSITION = re.compile("[0-9]{20}", re.ASCII)
_LAST_POSITION = 2**62


class AdaptiveViews:
    """The view functions, with what they need."""

    def __init__(
        self, service: WorkflowService, membership: Membership, preparer: Preparer, find: Callable[[str], Process]
    ) -> None:
        """Take the service, who is on which chain, who prepares events, and how a process of the caller is found."""
        self._service = service
        self._membership = membership
        self._preparer = preparer
        self._find = find

    def comments(self, process_id: str) -> Response:
        """List what was said about a process."""
        process = self._find(process_id)
        return _page("comments", lambda after: _short(self._service.beside.comments(process.chain, process.id, after)))

    def comments_of_chain(self) -> Response:
        """List what was said on a chain."""
        chain, key = request.args.get("chain", ""), str(web.caller())
        if self._membership.identity_of(chain, key) is None:
            raise CommentNotFoundError("There is no such chain here.", path="chain", hint="Add ?chain=<id>.")
        return _page("comments of chain", lambda after: _short(self._service.beside.comments(chain, None, after)))

    def comment(self, process_id: str, event: str) -> Response:
        """Return one comment about a process, whole."""
        process = self._find(process_id)
        found = self._service.beside.comment(process.chain, event)
        if found.get("process") != process.id:
            raise CommentNotFoundError("There is no such comment about this process.")
        return web.answer(found)

    def deviations(self, process_id: str) -> Response:
        """List what was proposed in a process."""
        process = self._find(process_id)
        return _page("deviations", lambda after: self._service.beside.proposals(process, after), MAX_PROPOSALS)

    def deviation(self, process_id: str, event: str) -> Response:
        """Return one proposal in a process, with its whole text, and how what it leads to differs from what is left."""
        process = self._find(process_id)
        found = self._service.beside.proposal(process, event)
        base = self._service.scenario(found["scenario"], process.chain, process.id)
        proposal = read_proposal(found["proposal"])
        if "successor" in found:
            after = self._service.scenario(found["successor"], process.chain)
        else:
            after = deviating_scenario(proposal, base)
        structure = [item.to_dict() for item in differences(base.normal_form, after.normal_form)]
        return web.answer({**found, "structure": structure})

    def make_comment(self, process_id: str) -> Response:
        """Check a comment about a process, and return what has to be signed."""
        process = self._find(process_id)
        return self._prepared(process, {"$schema": OWN_COMMENT, "process": process.id})

    def propose(self, process_id: str) -> Response:
        """Check a proposal to deviate, and return what has to be signed."""
        process = self._find(process_id)
        return self._prepared(process, {"$schema": OWN_DEVIATION, "process": process.id})

    def answer(self, process_id: str, event: str) -> Response:
        """Check an answer to a proposal, and return what has to be signed."""
        process = self._find(process_id)
        self._service.beside.proposal(process, event)
        return self._prepared(process, {"$schema": OWN_CONSENT, "deviation": event})

    def _prepared(self, process: Process, fixed: Mapping[str, str]) -> Response:
        """Prepare what was posted, which may leave out what the path says, and not say otherwise."""
        body = web.document()
        if not isinstance(body, dict):
            raise InvalidError("This should be an object.", path="$")
        for name, value in fixed.items():
            if body.get(name, value) != value:
                raise InvalidError("The path says otherwise.", path=json_path((name,)), hint="Leave this out.")
        return web.answer(self._preparer.prepare(process.chain, {**body, **fixed}, web.caller()))


def _short(comments: Numbered) -> Numbered:
    return ((position, comment.without_content(item, comment.SHORT)) for position, item in comments)


def _page(kind: str, read: Callable[[int], Numbered], most: int = MAX_ITEMS) -> Response:
    """Return a page of a list that is read from a position on, with so many items at most."""
    page = read_page(kind, request.args)
    page = replace(page, limit=min(page.limit, most))
    after = min(int(page.after), _LAST_POSITION) if page.after and _POSITION.fullmatch(page.after) else -1
    found, link = page.cut(read(after), lambda item: number(item[0]))
    return web.answer([item for _, item in found], link)
