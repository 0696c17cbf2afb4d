"""A scenario, compiled: the stateless definition of a workflow (paper section 4), ready to be run.

`workflow_engine.compiling` makes it of a document. Its fields are those of the normal form. Data instructions (objects
with `<operator>` members) stay data; the operators evaluate them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from workflow_engine import schema
from workflow_engine.action_kinds import DONE_BY_IDENTITY_EVENT
from workflow_engine.normalise import FINAL_STATES
from workflow_engine.offer import Offer, fixed_texts, offer_of
from workflow_engine.schedule import Schedule

ActionKind = Literal[
    "manual", "http", "nop", "event", "document", "sequence", "invite", "sub-process", "identity", "reinvite"
]
Display = Literal["always", "once", "never"]
When = Literal["immediately", "anchored", "settled"]

Instruction = Mapping[str, Any]
"""A data instruction: a JSON object with at least one operator (`<eval>`, `<ref>`, …) among its members."""

Text = str | Instruction | None
"""A text, an instruction that gives one, or nothing."""

INITIAL_STATE = "initial"

TIMEOUT = ":timeout"
"""The `action` of the transition that a state's timeout takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateInstruction:
    """How a response changes the projection.

    Attributes:
        select: Dot path of what is changed: `actors.x…`, `assets.y…`, `current.actor…` or `title`.
        patch: Merge into the present value instead of replacing it.
        data: What is written: a JSON value, possibly with instructions; None for the response's data.
        projection: JMESPath applied to the data before it is written, or None.
    """

    select: str
    patch: bool
    data: Any
    projection: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableResponse:
    """A possible outcome of an action.

    Attributes:
        key: Its name (`ok`).
        title: Title of the given response in the history.
        display: Whether the history shows it.
        update: What it changes, in this order.
        schema: Validator of the response's data, or None when any data will do.
        schema_document: The JSON Schema as written (the form of a user interface), or None.
        ui_schema: Hints on how to show the form, or None.
    """

    key: str
    title: Text
    display: Display
    update: tuple[UpdateInstruction, ...]
    schema: schema.Validator | None
    schema_document: Mapping[str, Any] | bool | None
    ui_schema: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What an actor may do in a state.

    Attributes:
        key: Its name in the scenario.
        schema: Its `$schema`, as normalised.
        kind: `http`, `nop`, `event`, `document`, `sequence`, `invite`, `sub-process`, `identity` or `reinvite` for what
            a node runs by itself; `manual` otherwise.
        is_system: Run and signed by a node instead of a person (paper section 7.3).
        title: Display name.
        label: Text of the button.
        description: Longer text.
        actors: Keys of the actors who may do it, or an instruction that gives them.
        condition: False makes it unavailable; true, false or an instruction.
        responses: Its possible outcomes by key.
        default_response: The outcome of the golden flow, one of `responses`.
        determine_response: Text or instruction that decides the outcome whatever was submitted, or None.
        priority: Rank of its events in a conflict (paper section 11.3); higher goes first.
        is_performative: It binds the actor, rather than only inform (paper section 2.4).
        context: Dot paths of what the signer saw and agreed to, or None for the default: all assets and the
            instructions for a performative action, the state key alone for an informative one.
        when: How sure the node must be of its cause before a system action is run.
        schedule: When a system action is run; None for at once, and once.
        accepts: From where on another chain it is answered (`workflow_engine.origin`), possibly with instructions; None
            where nothing is taken from elsewhere.
        properties: Its other members (`url`, `method`, `body`, `trigger_response`, …), possibly with instructions;
            those that are null are left out.
        offer: What is worked out of it ahead.
    """

    key: str
    schema: str
    kind: ActionKind
    is_system: bool
    title: Text
    label: Text
    description: Text
    actors: tuple[str, ...] | Instruction
    condition: bool | Instruction
    responses: Mapping[str, AvailableResponse]
    default_response: str
    determine_response: Text
    priority: int
    is_performative: bool
    context: tuple[str, ...] | None
    when: When
    schedule: Schedule | None
    accepts: Mapping[str, Any] | None
    properties: Mapping[str, Any]
    offer: Offer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "offer", offer_of(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """From a state and a response to a state.

    Attributes:
        action: Key of the action, `:timeout`, or None for any action.
        response: Key of the response, or None for any.
        condition: True, false or an instruction over the projection.
        target: Key of the state that it leads to (`transition` in the document).
    """

    action: str | None
    response: str | None
    condition: bool | Instruction
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A node of the machine.

    Attributes:
        key: Its name.
        title: Short name for people.
        description: Longer text.
        instructions: What each actor should do, by actor key.
        actions: Keys of the actions that may be done here; the order decides the default action.
        transitions: Tried in this order; the first that fits is taken.
        timeout: ISO 8601 duration, an instruction that gives one, or None.
        display: Whether the history shows it.
        texts: The three texts by name, if none of them has to be evaluated, else None (`offer.fixed_texts`).
    """

    key: str
    title: Text
    description: Text
    instructions: Mapping[str, Text]
    actions: tuple[str, ...]
    transitions: tuple[Transition, ...]
    timeout: Text
    display: Display
    texts: Mapping[str, Any] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", fixed_texts(self))

    @property
    def is_final(self) -> bool:
        """Tell whether a process ends here: one of the three colon states, or a state with nothing to do."""
        return self.key in FINAL_STATES or not (self.actions or self.transitions)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorDefinition:
    """A role in the scenario.

    Attributes:
        key: Its name.
        title: Display name, or None.
        description: Longer text, or None.
        priority: Rank of its events in a conflict (paper section 11.3); higher goes first.
        schema: Validator of the actor's data in a process.
        schema_document: The JSON Schema as normalised.
    """

    key: str
    title: str | None
    description: str | None
    priority: int
    schema: schema.Validator
    schema_document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetDefinition:
    """Variable data of a process.

    Attributes:
        key: Its name.
        title: Display name, or None.
        description: Longer text, or None.
        schema: Validator of the asset's value in a process.
        schema_document: The JSON Schema as normalised.
    """

    key: str
    title: str | None
    description: str | None
    schema: schema.Validator
    schema_document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The stateless definition of a workflow.

    Attributes:
        id: Base58 SHA-256 of the canonical JSON of the normal form.
        name: The document's own `id`, or None.
        title: Display name, or None.
        description: Longer text, or None.
        actors: Role definitions by key.
        actions: Actions by key.
        allow_actions: Keys of the actions that may be done in every state that is not final.
        states: States by key, the three final ones included.
        assets: Asset definitions by key.
        definitions: Constants by key.
        scenarios: Embedded sub-scenarios by key.
        normal_form: The document all of this was made from.
        changes_identities: Whether an action of it may change somebody's identity.
    """

    id: str
    name: str | None
    title: str | None
    description: str | None
    actors: Mapping[str, ActorDefinition]
    actions: Mapping[str, Action]
    allow_actions: tuple[str, ...]
    states: Mapping[str, State]
    assets: Mapping[str, AssetDefinition]
    definitions: Mapping[str, Any]
    scenarios: Mapping[str, "Scenario"]
    normal_form: Mapping[str, Any]

    changes_identities: bool = field(init=False, repr=False, compare=False)
    _action_keys: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out what is asked at every step."""
        keys = {
            key: () if state.is_final else tuple(dict.fromkeys((*state.actions, *self.allow_actions)))
            for key, state in self.states.items()
        }
        changes = any(action.kind in DONE_BY_IDENTITY_EVENT for action in self.actions.values())
        object.__setattr__(self, "changes_identities", changes)
        object.__setattr__(self, "_action_keys", keys)

    def action_keys(self, state: str) -> tuple[str, ...]:
        """Return the keys of the actions of a state, in order: its own, then those allowed everywhere.

        A final state has none: a finished process takes no more responses.
        """
        return self._action_keys[state]

    def with_embedded(self) -> "Iterator[Scenario]":
        """Yield the scenario, and all that are embedded in it, however deep."""
        yield self
        for inner in self.scenarios.values():
            yield from inner.with_embedded()
