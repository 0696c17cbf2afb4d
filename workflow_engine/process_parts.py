"""What a process is made of, beside its data: where it stands, and what is proposed and in force in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.durations import from_iso, to_iso
from workflow_engine.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """What a sub-process is part of: one run of an action of another process (paper section 7.4).

    Attributes:
        process: Id of that process, on the same chain.
        action: Key of the action.
        event: Hash of the event that brought the run about: mostly the one that entered the state.
    """

    process: str
    action: str
    event: str

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form."""
        return {"process": self.process, "action": self.action, "event": self.event}


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
        form: dict[str, Any] = {"key": self.key}
        if self.title is not None:
            form["title"] = self.title
        if self.description is not None:
            form["description"] = self.description
        form["instructions"] = dict(self.instructions)
        form["actions"] = dict(self.actions)
        if self.due_date is not None:
            form["due_date"] = to_iso(self.due_date)
        if self.actor is not None:
            form["actor"] = self.actor
        form["entered"] = {"event": self.event, "timestamp": self.timestamp}
        form["answered"] = list(self.answered)
        return form

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

    @property
    def changes_identities(self) -> bool:
        """Tell whether an action of what was agreed to may change somebody's identity."""
        texts = (self.scenario, self.base if self.successor is None else self.successor)
        return any(text.changes_identities for text in texts)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, which leaves out what the event says."""
        update = {} if self.successor is None else {"scenario": self.successor.id}
        return {"event": self.event, "title": self.title, "to": self.target, **update}
