"""A process: the stateful instance of a scenario, as one immutable value (paper section 7).

```
{ "$schema", "id", "title", "scenario": id, "chain",
  "actors":   { key: { "key", "title"?, "identity"?: { "id" }, … } },
  "assets":   { key: value },
  "definitions": { … }, "previous": [ response … ], "next": [ state … ],
  "current":  { "key", "title"?, "description"?, "instructions", "actions": { key: action }, "due_date"?, "actor"?,
                "entered": { "event", "timestamp" }, "answered": [ action key … ] },
  "deviation"?: { "event", "title", "to", "scenario"?: id }, "changed"?: event hash,
  "proposals"?: [ { "event", "author", "title", "deadline", "timestamp", "agreed": [ identity … ] } ] }
```

The last three members are there while parties deviate from the scenario or talk of it (`workflow_engine.consent`).
During a deviation `scenario` is still the one that the parties left.

`Process.state` gives it without definitions, history and golden flow, `view.complete` with everything.

An instantiated action is the scenario's with its texts and properties evaluated, and with those of its `actors` who
may do it now. A response in `previous` is `{ action: { key, … }, key, title?, display, actor: { key, … }, data?,
timestamp, event }`. The order of the members of an object means nothing; the order of actions is that of the scenario.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.durations import from_iso, to_iso
from workflow_engine.normalise import OWN_SCENARIO
from workflow_engine.scenario import Scenario

LTO_PROCESS = "https://specs.livecontracts.io/v0.2.0/process/schema.json#"
OWN_PROCESS = "urn:livecontract:process:1"
LTO_RESPONSE = "https://specs.livecontracts.io/v0.2.0/response/schema.json#"
OWN_RESPONSE = "urn:livecontract:response:1"

ACTOR_MEMBERS = ("key", "title", "identity")
"""What the engine itself keeps of an actor, beside the data that its schema describes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentState:
    """Where a process stands.

    Attributes:
        key: Key of the state.
        title: Short text, evaluated.
        description: Longer text, evaluated.
        instructions: Evaluated text by actor key.
        actions: The available actions, instantiated, by key.
        due_date: When its timeout is over, in milliseconds since 1970, or None.
        actor: Key of the actor whose response led here; None in a process that nobody has acted in.
        event: Hash of the event that entered the state.
        timestamp: Timestamp of that event, in milliseconds since 1970.
        answered: Keys of the actions that were answered since then.
    """

    key: str
    title: str | None = None
    description: str | None = None
    instructions: Mapping[str, str]
    actions: Mapping[str, Mapping[str, Any]]
    due_date: int | None
    actor: str | None
    event: str
    timestamp: int
    answered: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        form = {
            "key": self.key,
            "title": self.title,
            "description": self.description,
            "instructions": dict(self.instructions),
            "actions": dict(self.actions),
            "due_date": None if self.due_date is None else to_iso(self.due_date),
            "actor": self.actor,
            "entered": {"event": self.event, "timestamp": self.timestamp},
            "answered": list(self.answered),
        }
        return {name: value for name, value in form.items() if value is not None}

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> "CurrentState":
        """Read what `to_dict` gave."""
        return cls(
            key=form["key"],
            title=form.get("title"),
            description=form.get("description"),
            instructions=form["instructions"],
            actions=form["actions"],
            due_date=from_iso(form["due_date"]) if "due_date" in form else None,
            actor=form.get("actor"),
            event=form["entered"]["event"],
            timestamp=form["entered"]["timestamp"],
            answered=tuple(form["answered"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenProposal:
    """A proposal to deviate that waits for the agreement of others (paper section 8.2).

    Attributes:
        event: Hash of the event that made it; answers name it.
        author: Id of the identity that made it.
        title: What it is called.
        deadline: When it lapses, in milliseconds since 1970.
        timestamp: The latest timestamp of an event about it, in milliseconds since 1970.
        agreed: Ids of the identities that have agreed to it since the data of the process last changed.
    """

    event: str
    author: str
    title: str
    deadline: int
    timestamp: int
    agreed: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "event": self.event,
            "author": self.author,
            "title": self.title,
            "deadline": to_iso(self.deadline),
            "timestamp": self.timestamp,
            "agreed": list(self.agreed),
        }

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> "OpenProposal":
        """Read what `to_dict` gave."""
        return cls(**{**form, "deadline": from_iso(form["deadline"]), "agreed": tuple(form["agreed"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A deviation in force (paper section 8.2), or a scenario update on its way (8.3).

    Attributes:
        event: Hash of the event that proposed it.
        title: What it is called.
        base: The scenario that is left.
        scenario: That scenario with the states and actions of the deviation in it.
        states: Keys of the deviation's own states.
        start: Key of the first of them, or None where there are none.
        target: The state in which it ends: of `base`, or of `successor` if there is one.
        successor: The scenario by which the process goes on then, or None for `base`.
        actors: Of an update: which old actor becomes each new one, by new key; None for nobody.
        assets: Of an update: which old asset becomes each new one, by new key; None for none.
    """

    event: str
    title: str
    base: Scenario
    scenario: Scenario
    states: tuple[str, ...]
    start: str | None
    target: str
    successor: Scenario | None
    actors: Mapping[str, str | None]
    assets: Mapping[str, str | None]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, which leaves out what the event says."""
        update = {} if self.successor is None else {"scenario": self.successor.id}
        return {"event": self.event, "title": self.title, "to": self.target, **update}


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
    """

    id: str
    title: str | None
    scenario: Scenario
    chain: str
    actors: Mapping[str, Mapping[str, Any]]
    assets: Mapping[str, Any]
    previous: tuple[Mapping[str, Any], ...]
    current: CurrentState
    proposals: tuple[OpenProposal, ...] = ()
    deviation: Deviation | None = None
    changed: str | None = None

    @property
    def base(self) -> Scenario:
        """The scenario it is an instance of, without the deviation in force."""
        return self.scenario if self.deviation is None else self.deviation.base

    @property
    def is_finished(self) -> bool:
        """Tell whether it has ended and takes no more responses."""
        return self.scenario.states[self.current.key].is_final

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
        return tuple(sorted(key for key, actor in self.actors.items() if identity_of(actor) == identity))

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
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def from_state(
        cls,
        form: Mapping[str, Any],
        *,
        scenario: Scenario,
        previous: tuple[Mapping[str, Any], ...],
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
            previous=previous,
            current=CurrentState.from_dict(form["current"]),
            proposals=tuple(OpenProposal.from_dict(item) for item in form.get("proposals", ())),
            deviation=deviation,
            changed=form.get("changed"),
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
    previous: list[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return what data instructions see: the process, without the golden flow.

    Args:
        process: The process.
        actor: Key of the actor that stands as `current.actor`; by default the one whose response led to the state.
        response: What stands as `current.response` while a response is handled.
        previous: The history as a list, where several contexts share it; it is not changed.
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
        "previous": list(process.previous) if previous is None else previous,
        "current": current,
    }
