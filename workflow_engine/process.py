"""A process: the stateful instance of a scenario, as one immutable value (paper section 7).

```
{ "$schema", "id", "title", "scenario": id, "chain",
  "actors":   { key: { "key", "title"?, "identity"?: { "id" }, … } },
  "assets":   { key: value },
  "definitions": { … }, "previous": [ response … ], "next": [ state … ],
  "current":  { "key", "title"?, "description"?, "instructions", "actions": { key: action }, "due_date"?, "actor"?,
                "entered": { "event", "timestamp" }, "answered": [ action key … ] },
  "deviation"?: { "event", "title", "to", "scenario"?: id }, "changed"?: event hash,
  "proposals"?: [ { "event", "author", "title", "deadline", "timestamp", "agreed": [ identity … ] } ],
  "parent"?: { "process", "action", "event" }, "signatories"?: [ identity … ] }
```

`deviation`, `changed` and `proposals` are there while parties deviate from the scenario or talk of it
(`workflow_engine.consent`). During a deviation `scenario` is still the one that the parties left. A sub-process has a
`parent` (`workflow_engine.sub_processes`). `signatories` is there where an action of the scenario may change identities
(`workflow_engine.identity_action`).

`Process.state` gives it without definitions, history and golden flow, `view.complete` with everything.

An instantiated action is the scenario's with its texts and properties evaluated, and with those of its `actors` who
may do it now. A response in `previous` is `{ action: { key, … }, key, title?, display, actor: { key, … }, data?,
timestamp, event }`. The order of the members of an object means nothing; the order of actions is that of the scenario.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from workflow_engine.history import History
from workflow_engine.normalise import OWN_SCENARIO
from workflow_engine.process_parts import CurrentState, Deviation, OpenProposal, Parent
from workflow_engine.scenario import Scenario

LTO_PROCESS = "https://specs.livecontracts.io/v0.2.0/process/schema.json#"
OWN_PROCESS = "urn:livecontract:process:1"
LTO_RESPONSE = "https://specs.livecontracts.io/v0.2.0/response/schema.json#"
OWN_RESPONSE = "urn:livecontract:response:1"

ACTOR_MEMBERS = ("key", "title", "identity")
"""What the engine itself keeps of an actor, beside the data that its schema describes."""


MAX_SIGNATORIES = 256
"""Identities of which a process remembers that they have agreed: who comes later is not changed by its actions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A running instance of a scenario. Its parts are shared between versions and never changed.

    Attributes:
        id: Unique on its chain.
        title: Display name, or None.
        scenario: What it is an instance of.
        chain: Id of its event chain.
        actors: Actors by key.
        assets: Values by key.
        previous: Every response, oldest first.
        current: Where it stands.
        proposals: Proposals to deviate from where it stands, oldest first.
        deviation: The deviation in force, or None; then `scenario` is that of the deviation.
        changed: Hash of the last event that changed it without being a response, if no response came after, or None.
        parent: What it is a sub-process of, or None.
        signatories: Ids of the identities that have agreed to the scenario in force, sorted: whose identity its actions
            may change. Kept only where there are such actions.
    """

    id: str
    title: str | None
    scenario: Scenario
    chain: str
    actors: Mapping[str, Mapping[str, Any]]
    assets: Mapping[str, Any]
    previous: History
    current: CurrentState
    proposals: tuple[OpenProposal, ...] = ()
    deviation: Deviation | None = None
    changed: str | None = None
    parent: Parent | None = None
    signatories: tuple[str, ...] = ()

    @property
    def base(self) -> Scenario:
        """The scenario it is an instance of, without the deviation in force."""
        return self.scenario if self.deviation is None else self.deviation.base

    @property
    def is_finished(self) -> bool:
        """Tell whether it has ended and takes no more responses."""
        return self.scenario.states[self.current.key].is_final

    def offers(self, action: str) -> bool:
        """Tell whether an action may be done now."""
        return action in self.current.actions and action in self.scenario.action_keys(self.current.key)

    @property
    def available(self) -> tuple[str, ...]:
        """Keys of the actions that may be done now, in the order of the scenario."""
        return tuple(key for key in self.scenario.action_keys(self.current.key) if key in self.current.actions)

    @property
    def last_event(self) -> str:
        """Hash of the last event that changed it."""
        if self.changed is not None:
            return self.changed
        return str(self.previous[-1]["event"]) if self.previous else self.current.event

    def actors_of(self, identity: str) -> tuple[str, ...]:
        """Return the keys of the actors that an identity is bound to, in the order of their keys."""
        return tuple(sorted([key for key, actor in self.actors.items() if identity_of(actor) == identity]))

    def with_data(
        self, title: str | None, actors: Mapping[str, Mapping[str, Any]], assets: Mapping[str, Any]
    ) -> "Process":
        """Return the process with other data, where it stands."""
        return Process(
            id=self.id,
            title=title,
            scenario=self.scenario,
            chain=self.chain,
            actors=actors,
            assets=assets,
            previous=self.previous,
            current=self.current,
            proposals=self.proposals,
            deviation=self.deviation,
            changed=self.changed,
            parent=self.parent,
            signatories=self.signatories,
        )

    def standing_at(self, current: CurrentState, given: Mapping[str, Any] | None) -> "Process":
        """Return the process in a state, with the response that led to it recorded, if it was one."""
        return Process(
            id=self.id,
            title=self.title,
            scenario=self.scenario,
            chain=self.chain,
            actors=self.actors,
            assets=self.assets,
            previous=self.previous if given is None else self.previous.extended(given),
            current=current,
            proposals=self.proposals,
            deviation=self.deviation,
            changed=self.changed if given is None else None,
            parent=self.parent,
            signatories=self.signatories,
        )

    def signed_by(self, identity: str) -> "Process":
        """Return the process after an identity has bound itself in it, with a person's key."""
        known = self.signatories
        if not self.scenario.changes_identities or identity in known or len(known) >= MAX_SIGNATORIES:
            return self
        return replace(self, signatories=tuple(sorted((*self.signatories, identity))))

    def state(self) -> dict[str, Any]:
        """Return the JSON form without what is derived or kept elsewhere: definitions, history and golden flow."""
        return {
            "$schema": OWN_PROCESS if self.scenario.normal_form["$schema"] == OWN_SCENARIO else LTO_PROCESS,
            "id": self.id,
            "title": self.title,
            "scenario": self.base.id,
            "chain": self.chain,
            "actors": dict(self.actors),
            "assets": dict(self.assets),
            "current": self.current.to_dict(),
            **self._adaptations(),
        }

    def _adaptations(self) -> dict[str, Any]:
        found = {
            "deviation": self.deviation and self.deviation.to_dict(),
            "proposals": [proposal.to_dict() for proposal in self.proposals],
            "changed": self.changed,
            "parent": self.parent and self.parent.to_dict(),
            "signatories": list(self.signatories),
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def from_state(
        cls,
        form: Mapping[str, Any],
        *,
        scenario: Scenario,
        previous: Iterable[Mapping[str, Any]],
        deviation: Deviation | None = None,
    ) -> "Process":
        """Put a process together from what `state` gave, its scenario, its history and the deviation in force."""
        return cls(
            id=form["id"],
            title=form["title"],
            scenario=scenario if deviation is None else deviation.scenario,
            chain=form["chain"],
            actors=form["actors"],
            assets=form["assets"],
            previous=History.of(previous),
            current=CurrentState.from_dict(form["current"]),
            proposals=tuple(OpenProposal.from_dict(item) for item in form.get("proposals", ())),
            deviation=deviation,
            changed=form.get("changed"),
            parent=Parent(**form["parent"]) if "parent" in form else None,
            signatories=tuple(form.get("signatories", ())),
        )


def identity_of(actor: Mapping[str, Any]) -> str | None:
    """Return the id of the identity that an actor is bound to, or None."""
    identity = actor.get("identity")
    return identity["id"] if identity else None


def context_of(
    process: Process,
    *,
    actor: str | None = None,
    response: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what data instructions see: the process, without the golden flow.

    Its history is made a list by what reads it (`workflow_engine.history.plain`).

    Args:
        process: The process.
        actor: Key of the actor that stands as `current.actor`; by default the one whose response led to the state.
        response: What stands as `current.response` while a response is handled.
    """
    acting = actor or process.current.actor
    current = {
        **process.current.to_dict(),
        "actor": None if acting is None else process.actors.get(acting),
        "response": response,
    }
    return {
        "id": process.id,
        "title": process.title,
        "scenario": process.base.id,
        "chain": process.chain,
        "actors": process.actors,
        "assets": process.assets,
        "definitions": process.scenario.definitions,
        "previous": process.previous,
        "current": current,
    }
