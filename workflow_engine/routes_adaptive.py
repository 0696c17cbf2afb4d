"""What was said and proposed beside a process, over HTTP (paper section 8).

```
GET  /processes/<id>/comments            what was said about a process, in the order of the chain
GET  /processes/<id>/comments/<event>    one comment, whole
GET  /comments?chain=<id>                all comments of a chain, those about no process included
GET  /processes/<id>/deviations          what was proposed in a process, what became of it, and who answered what
GET  /processes/<id>/deviations/<event>  one proposal, with its whole text
```

Lists leave out content that is longer than `comment.SHORT` characters. Content is always answered inside JSON, never
under its own media type, so that no browser takes what a stranger wrote for a page. Who is not on a chain is told that
there is nothing.
"""

import re
from collections.abc import Callable

from flask import Response, request

from eventchain.core.paging import number, read_page
from workflow_engine import comment, exchange
from workflow_engine.beside import Numbered
from workflow_engine.errors import CommentNotFoundError
from workflow_engine.ports import Membership
from workflow_engine.process import Process
from workflow_engine.service import WorkflowService

_POSITION = re.compile("[0-9]{20}", re.ASCII)
_LAST_POSITION = 2**62


class AdaptiveViews:
    """The view functions, with what they need."""

    def __init__(self, service: WorkflowService, membership: Membership, find: Callable[[str], Process]) -> None:
        """Take the service, who is on which chain, and how a process of the caller is found."""
        self._service = service
        self._membership = membership
        self._find = find

    def comments(self, process_id: str) -> Response:
        """List what was said about a process."""
        process = self._find(process_id)
        return _page("comments", lambda after: _short(self._service.beside.comments(process.chain, process.id, after)))

    def comments_of_chain(self) -> Response:
        """List what was said on a chain."""
        chain, key = request.args.get("chain", ""), str(exchange.caller())
        if self._membership.identity_of(chain, key) is None:
            raise CommentNotFoundError("There is no such chain here.", path="chain", hint="Add ?chain=<id>.")
        return _page("comments of chain", lambda after: _short(self._service.beside.comments(chain, None, after)))

    def comment(self, process_id: str, event: str) -> Response:
        """Return one comment about a process, whole."""
        process = self._find(process_id)
        found = self._service.beside.comment(process.chain, event)
        if found.get("process") != process.id:
            raise CommentNotFoundError("There is no such comment about this process.")
        return exchange.answer(found)

    def deviations(self, process_id: str) -> Response:
        """List what was proposed in a process."""
        process = self._find(process_id)
        return _page("deviations", lambda after: self._service.beside.proposals(process, after))

    def deviation(self, process_id: str, event: str) -> Response:
        """Return one proposal in a process, with its whole text."""
        return exchange.answer(self._service.beside.proposal(self._find(process_id), event))


def _short(comments: Numbered) -> Numbered:
    return ((position, comment.without_content(item, comment.SHORT)) for position, item in comments)


def _page(kind: str, read: Callable[[int], Numbered]) -> Response:
    """Return a page of a list that is read from a position on."""
    page = read_page(kind, request.args)
    after = min(int(page.after), _LAST_POSITION) if page.after and _POSITION.fullmatch(page.after) else -1
    found, link = page.cut(read(after), lambda item: number(item[0]))
    return exchange.answer([item for _, item in found], link)
