"""The routes of the queue, with the names of the LTO event dispatcher.

```
POST   /queue                               chain JSON, whole or partial → 204
POST   /queue?to[]=<node URI>               to other nodes instead; operators only
POST   /queue/asks                          a request for missing events → 204, whoever asks
GET    /queue                               {"events": {"waiting": …, "leased": …, "dead": …}, "relay": …}; operators
GET    /queue/dead-letters[?queue=]         [{"id", "queue", "message_id", "group", "size", "attempts", "reason", "died_at"}]; operators
POST   /queue/dead-letters/<id>/requeue     → 204; operators
DELETE /queue/dead-letters/<id>             → 204; operators
```

Who calls is proven before, and stands in `flask.g.caller`. Errors are raised in our families; the web server answers.
"""  # noqa: E501  (a table)

import re
from dataclasses import asdict
from typing import Any

from flask import Blueprint, g, request

from dispatcher import enqueue
from dispatcher.message import DeadLetter
from dispatcher.ports import Doorkeeper
from dispatcher.service import QueueService
from eventchain.core.errors import TooLargeError, UnauthenticatedError
from eventchain.core.keys import PublicKey
from eventchain.core.paging import number, read_page
from eventchain.core.strict_json import MAX_BYTES

_DESTINATION = re.compile(r"to(\[\d{0,3}\])?\Z")
"""`to`, `to[]` and `to[0]`, as the clients of LTO write lists."""


def create_blueprint(service: QueueService, doorkeeper: Doorkeeper) -> Blueprint:
    """Return the routes over a service, guarded by a doorkeeper."""
    blueprint = Blueprint("queue", __name__, url_prefix="/queue")

    @blueprint.post("")
    def submit() -> tuple[str, int]:
        """Take a chain document, for this node or, from an operator, for others."""
        caller, destinations = _caller(), _destinations()
        if destinations:
            doorkeeper.check_operator(caller)
        submission = enqueue.read(_body())
        doorkeeper.admit(caller, submission.content)
        service.enqueue(submission, destinations, sender=caller)
        return "", 204

    @blueprint.post("/asks")
    def ask() -> tuple[str, int]:
        """Take a request for missing events; who takes no part in the chain hears the same, and is forgotten."""
        caller, document = _caller(), enqueue.read_ask(_body(enqueue.MAX_ASK))
        if doorkeeper.hears(caller, document.content):
            service.enqueue_ask(document, sender=caller)
        return "", 204

    @blueprint.get("")
    def depths() -> dict[str, Any]:
        """Tell an operator how many messages are in each queue."""
        doorkeeper.check_operator(_caller())
        return {queue: asdict(depth) for queue, depth in service.depths().items()}

    @blueprint.get("/dead-letters")
    def dead_letters() -> tuple[list[dict[str, Any]], int, dict[str, str]]:
        """Tell an operator of dead letters, a page at a time."""
        doorkeeper.check_operator(_caller())
        page = read_page("dead-letters", request.args)
        letters = sorted(service.dead_letters(request.args.get("queue")), key=_place)
        found, link = page.cut(letters, _place)
        return [letter_to_dict(letter) for letter in found], 200, link

    @blueprint.post("/dead-letters/<letter_id>/requeue")
    def requeue(letter_id: str) -> tuple[str, int]:
        """Let a dead letter be handled again, if an operator says so."""
        doorkeeper.check_operator(_caller())
        service.requeue(letter_id)
        return "", 204

    @blueprint.delete("/dead-letters/<letter_id>")
    def discard(letter_id: str) -> tuple[str, int]:
        """Forget a dead letter, if an operator says so."""
        doorkeeper.check_operator(_caller())
        service.discard(letter_id)
        return "", 204

    return blueprint


def _place(letter: DeadLetter) -> str:
    return f"{number(letter.died_at)} {letter.id}"


def letter_to_dict(letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter as JSON, without its body: operators need not read what the parties wrote."""
    return {"id": letter.id, **asdict(letter)}


def _caller() -> PublicKey:
    caller = g.get("caller")
    if not isinstance(caller, PublicKey):
        raise UnauthenticatedError("the request is not signed", hint="Sign it after RFC 9421; see docs/api.md.")
    return caller


def _destinations() -> list[str]:
    return [value for name, values in request.args.lists() if _DESTINATION.match(name) for value in values]


def _body(limit: int = MAX_BYTES) -> bytes:
    if (request.content_length or 0) > limit:
        raise TooLargeError(f"such a document has at most {limit} bytes", hint="Send the events in parts.")
    return request.get_data(cache=False)
