"""Where outside parties answer the system actions that they have taken on.

```
POST /answers/<id>   Livecontract-Answer-Token: <token>   { "key"?: "ok", "data"?: … } → 202 { process, action }
```

Id and token came with the request that was answered with 202 (`triggers.http`). Who holds the token need not be known
otherwise, so the route is public; the token stands in a header, since addresses end up in logs.
"""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, request

from eventchain.core import strict_json
from workflow_engine.answers import Answers
from workflow_engine.triggers.http import ANSWER_TOKEN

MAX_BYTES = 64 * 1024
"""Of an answer: more does not fit the event that carries it."""


def create_blueprint(answers: Callable[[], Answers]) -> Blueprint:
    """Return the route `/answers`."""
    blueprint = Blueprint("answers", __name__)

    @blueprint.post("/answers/<answer_id>")
    def answer(answer_id: str) -> tuple[dict[str, Any], int]:
        """Take an answer."""
        token = request.headers.get(ANSWER_TOKEN, "")
        document = strict_json.parse(request.get_data(cache=False), max_bytes=MAX_BYTES)
        due = answers().take(answer_id, token, document)
        return {"process": due.process, "action": due.action}, 202

    answer.__dict__["public"] = True
    return blueprint
