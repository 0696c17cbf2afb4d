"""What the demonstration stands on.

Three organisations with their people and nodes, a mailbox, a public chain, and the buyer's own system that is notified.
"""

import base64
import json
import os
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import urllib3

from anchor.client import AnchorClient
from eventchain.core import strict_json
from eventchain.core.clock import system_clock
from eventchain.core.errors import UnavailableError
from eventchain.core.keys import KeyPair
from livecontract.agent import Agent
from livecontract.demo.private_server import HOST
from livecontract.demo.processes import NodeProcess, Supervisor
from livecontract.demo.servers import Servers
from livecontract.invitation_mail import Invitation
from livecontract.invitations import read_invitation
from livecontract.mailbox import Mailbox

BLOCK_TIME = 500
"""Milliseconds between blocks of the development public chain."""

PATIENCE = 30.0
"""Seconds to wait for something that others do: a node that was killed needs a few to come back."""

_POLL_SECONDS = 0.05
_MAX_NOTICE = 1024 * 1024

Found = TypeVar("Found")

ORGANISATIONS = {"buyer": "Acme Machines", "seller": "Borealis Steel", "inspector": "Certus Inspections"}
PEOPLE = {"buyer": "Ann Archer", "seller": "Ben Berg", "inspector": "Cleo Certa"}


class NoticeBoard:
    """The buyer's own system: keeps what the contract tells it over HTTP.

    Attributes:
        url: Where it listens.
        notices: What came, with the idempotency key of each request.
    """

    def __init__(self) -> None:
        self.notices: list[tuple[str, Any]] = []
        board = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length", 0)), _MAX_NOTICE)
                board.notices.append((self.headers.get("Idempotency-Key", ""), json.loads(self.rfile.read(length))))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(b'{"received": true}')

            def log_message(self, *_: Any) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_address[1]}/orders"
        self._thread = threading.Thread(target=self._server.serve_forever, name="notice-board", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Stage:
    """Everything that runs during the demonstration.

    Attributes:
        servers: What the nodes keep chains and queues in, where it is not files.
        public_chain: The node that carries the development public chain.
        nodes: The nodes of the three organisations, by role.
        agents: Their people, by role.
        mailbox: Where mails arrive.
        board: The buyer's own system.
        anchor: Asks the public chain.
    """

    def __init__(self, directory: Path, tell: Callable[[str], None], servers: Servers) -> None:
        self.servers = servers
        self.mailbox = Mailbox()
        self.board = NoticeBoard()
        keys = {role: KeyPair.generate(os.urandom) for role in ORGANISATIONS}
        self.public_chain = NodeProcess(
            "the public chain",
            directory / "public-chain",
            {"anchor": "embedded", "block_time_ms": str(BLOCK_TIME), "mail": "none", "log_level": "warning"},
        )
        self.nodes = {
            role: NodeProcess(
                organisation,
                directory / role,
                {
                    "users": str(keys[role].public_key),
                    "anchor": self.public_chain.url,
                    "mail": "smtp",
                    "mail_host": HOST,
                    "mail_port": str(self.mailbox.smtp_port),
                    "mail_tls": "none",
                    "mail_from": f"contracts@{role}.example",
                    "http_allow": HOST,
                    "log_level": "warning",
                    **servers.settings(role, list(ORGANISATIONS)),
                },
            )
            for role, organisation in ORGANISATIONS.items()
        }
        pool = urllib3.PoolManager()
        self.anchor = AnchorClient(
            self.public_chain.url, pool, KeyPair.generate(os.urandom), random=os.urandom, clock=system_clock
        )
        self._supervisor = Supervisor([self.public_chain, *self.nodes.values()], tell)
        self.agents = {role: Agent(role, keys[role], node.url, patience=PATIENCE) for role, node in self.nodes.items()}

    def start(self) -> None:
        """Start all servers and nodes, and wait until they are ready."""
        self.servers.start(list(ORGANISATIONS))
        self._supervisor.start()

    def stop(self) -> None:
        """End everything."""
        self._supervisor.stop()
        self.servers.stop()
        self.board.close()
        self.mailbox.close()

    def invitation_for(self, role: str) -> tuple[str, Invitation]:
        """Return subject and invitation of the last mail to somebody, once it has arrived."""
        address = email_of(role)
        client = Agent("reader", KeyPair.generate(os.urandom), f"http://{HOST}:{self.mailbox.web_port}").client
        mails = wait_for(lambda: client.get("/dev/mail", {"to": address}), f"the mail to {address}")
        attached = base64.b64decode(mails[-1]["attachments"][0]["data"])
        return mails[-1]["subject"], read_invitation(strict_json.parse(attached))

    def settle(self, chain: str, roles: list[str], *, more_than: int = 0) -> int:
        """Wait until these nodes have the same chain of more than `more_than` events, and return its length."""

        def lengths() -> int:
            seen = set()
            for role in roles:
                known = self.agents[role].client.get("/event-chains", wait=PATIENCE)
                seen.add(next(((item["latest_hash"], item["length"]) for item in known if item["id"] == chain), None))
            only = seen.pop()
            return only[1] if not seen and only and only[1] > more_than else 0

        return wait_for(lengths, "the nodes to have the same chain")

    def wait_for_state(self, role: str, process: str, state: str) -> dict[str, Any]:
        """Wait until a process is in a state at a party's node, and return it."""

        def current() -> dict[str, Any] | None:
            found = self.agents[role].process(process)
            return found if found["current"]["key"] == state else None

        return wait_for(current, f"the state {state}")


def email_of(role: str) -> str:
    """Return the mail address of the person in a role."""
    return f"{PEOPLE[role].split()[0].lower()}@{role}.example"


def wait_for(find: Callable[[], Found | None], what: str, seconds: float = PATIENCE) -> Found:
    """Ask again and again until there is something; who is asked may be away meanwhile.

    Raises:
        UnavailableError: It did not come in time.
    """
    end = time.monotonic() + seconds
    reason = "it did not come"
    while time.monotonic() < end:
        try:
            if found := find():
                return found
        except UnavailableError as error:
            reason = str(error)
        time.sleep(_POLL_SECONDS)
    raise UnavailableError(f"waited {seconds:.0f} s for {what}: {reason}")
