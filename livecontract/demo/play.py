"""The contract that the demonstration plays: a quotation, from the first event to `:success`."""

from collections.abc import Mapping
from typing import Any

import scenarios
from eventchain.core import base58
from eventchain.core.errors import UnavailableError
from eventchain.core.hashing import sha256
from livecontract.demo.stage import ORGANISATIONS, PEOPLE, Stage, email_of, wait_for
from livecontract.demo.transcript import Transcript
from workflow_engine.documents import fill

SCENARIO = "quotation"
PROCESS = "steel-order-1"
BUYER, SELLER, INSPECTOR = "buyer", "seller", "inspector"

REQUEST = {"item": "Steel beam HEB 200, 6 m", "quantity": 40, "remarks": "Delivery to the Rotterdam yard."}
TERMS = {"item": REQUEST["item"], "quantity": 40, "currency": "EUR", "delivery": "2027-03-31"}
OFFER = {**TERMS, "unit_price": 512.5}
COUNTER_OFFER = {**TERMS, "unit_price": 470}
NEW_OFFER = {**TERMS, "unit_price": 489.95, "remarks": "Unloading by the seller."}


class Play:
    """Plays the contract on a stage, and tells each step.

    Attributes:
        chain: Id of the contract's chain, once it is there.
    """

    def __init__(self, stage: Stage, transcript: Transcript) -> None:
        self.chain = ""
        self._stage = stage
        self._tell = transcript
        self._length = 0
        self._parties = [BUYER]

    def run(self) -> None:
        """Play everything, step after step."""
        self._tell.heading("A contract begins")
        self._create()
        self._invite_and_take(SELLER)
        self._start()
        self._tell.heading("Offer, counter-offer, acceptance")
        self._act(BUYER, "request", {**REQUEST, "notify_url": self._stage.board.url}, "asks for an offer")
        self._act(SELLER, "offer", OFFER, "makes an offer: 512.50 EUR")
        self._act(BUYER, "counter_offer", COUNTER_OFFER, "makes a counter-offer: 470.00 EUR")
        self._act(SELLER, "offer", NEW_OFFER, "makes a new offer: 489.95 EUR")
        self._act(BUYER, "accept", None, "accepts")
        self._written()
        self._tell.heading("Both sign, in either order")
        self._act(SELLER, "sign", None, "signs first")
        self._act(BUYER, "sign", None, "signs second: now both have, and the process goes on")
        self._notified()
        self._tell.heading("An inspector joins")
        self._invite_and_take(INSPECTOR)
        appointed = {"identity": INSPECTOR, "name": ORGANISATIONS[INSPECTOR]}
        self._act(BUYER, "appoint_inspector", appointed, "appoints the inspector")
        self._act(INSPECTOR, "approve", None, "approves what was delivered")
        self._end()

    def _create(self) -> None:
        agent = self._stage.agents[BUYER]
        with self._tell.step("creates a chain: its identity is the first event", BUYER) as task:
            self.chain = agent.create_chain({"name": ORGANISATIONS[BUYER]})
            task.detail = f"chain {self.chain}"
            self._settle()
        with self._tell.step("adds the scenario, from the library", BUYER) as task:
            scenario = scenarios.load(SCENARIO)
            agent.add(self.chain, scenario)
            task.detail = f"{scenario['title']}: {len(scenario['states'])} states, {len(scenario['actions'])} actions"
            self._settle()

    def _invite_and_take(self, role: str) -> None:
        stage, buyer, invitee = self._stage, self._stage.agents[BUYER], self._stage.agents[role]
        with self._tell.step(f"invites {PEOPLE[role]} of {ORGANISATIONS[role]} by mail", BUYER) as task:
            buyer.invite(
                self.chain,
                identity=role,
                email=email_of(role),
                name=ORGANISATIONS[role],
                title=f"{scenarios.load(SCENARIO)['title']}: {REQUEST['item']}",
            )
            subject, invitation = stage.invitation_for(role)
            task.detail = f"to {email_of(role)}: “{subject}”, with a one-time key"
            self._settle()
        with self._tell.step("takes the invitation: own keys replace the one-time key", role) as task:
            invitee.take(invitation, {"name": ORGANISATIONS[role]})
            self._parties.append(role)
            self._settle()
            task.detail = (
                f"the whole chain, {self._length} events, was forwarded to {stage.agents[role].about_node()['node']}"
            )

    def _start(self) -> None:
        with self._tell.step("starts the process", BUYER) as task:
            actors = {role: {"identity": role, "name": ORGANISATIONS[role]} for role in (BUYER, SELLER)}
            self._stage.agents[BUYER].start(self.chain, PROCESS, SCENARIO, actors)
            self._settle()
            task.detail = self._next()

    def _act(self, role: str, action: str, data: Any, words: str) -> None:
        with self._tell.step(words, role) as task:
            self._stage.agents[role].respond(self.chain, PROCESS, action, data)
            self._settle()
            task.detail = self._next()

    def _written(self) -> None:
        with self._tell.step("writes the contract as a document (a system action)", "node") as task:
            processes = [self._stage.wait_for_state(role, PROCESS, "signing") for role in (SELLER, BUYER)]
            self._settle(more_than=0)
            found, total = processes[0]["assets"]["document"], processes[0]["assets"]["contract"]
            made = [fill(scenarios.template(SCENARIO), _shown(process)) for process in processes]
            if {base58.encode(sha256(document)) for document in made} != {found["hash"]}:
                raise UnavailableError("the document that the parties make is not the one on the chain")
            task.detail = (
                f"contract of sale, {total['total']} {total['currency']}, {found['size']} bytes (.odt); "
                f"seller and buyer each make it: SHA-256 {found['hash']}"
            )

    def _notified(self) -> None:
        with self._tell.step("tells the buyer's system over HTTP (a system action)", "node") as task:
            process = self._stage.wait_for_state(SELLER, PROCESS, "appointing")
            notices = wait_for(lambda: self._stage.board.notices, "the notification")
            self._settle(more_than=0)
            response = process["previous"][-1]
            task.detail = (
                f"{notices[-1][1]['total']} {notices[-1][1]['currency']} arrived at {self._stage.board.url}; "
                f"the buyer's node signed the response {response['action']['key']}.{response['key']}"
            )

    def _end(self) -> None:
        with self._tell.step("ends", "process") as task:
            process = self._stage.wait_for_state(INSPECTOR, PROCESS, ":success")
            task.detail = f"{process['current']['key']}: {process['current']['title']}, after {self._length} events"

    def _settle(self, more_than: int = -1) -> None:
        wanted = self._length if more_than < 0 else more_than
        self._length = self._stage.settle(self.chain, self._parties, more_than=wanted)

    def _next(self) -> str:
        current = self._stage.agents[self._parties[-1]].process(PROCESS)["current"]
        waiting = sorted({actor for action in current["actions"].values() for actor in action["actors"]})
        return f"state: {current['key']} ({current['title']}); it is up to: {', '.join(waiting) or 'nobody'}"


def _shown(process: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a template sees of a process as a node answers it."""
    return {name: process[name] for name in ("title", "actors", "assets")}
