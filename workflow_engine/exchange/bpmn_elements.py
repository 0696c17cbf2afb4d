"""Which elements of BPMN are read, which mean nothing for a run, and why the others are refused. Tables only."""

from collections.abc import Mapping

from workflow_engine.exchange.bpmn_model import Kind

KINDS: Mapping[str, Kind] = {
    "startEvent": "start",
    "endEvent": "end",
    "task": "person",
    "userTask": "person",
    "manualTask": "person",
    "receiveTask": "receive",
    "serviceTask": "service",
    "exclusiveGateway": "exclusive",
    "parallelGateway": "parallel",
    "eventBasedGateway": "choice",
    "intermediateCatchEvent": "timer",
    "boundaryEvent": "timed",
}
"""What each element does with a token; a boundary event with an error is `failing`."""

SILENT = frozenset(
    {
        "association", "auditing", "category", "correlationSubscription", "dataInputAssociation", "dataObject",
        "dataObjectReference", "dataOutputAssociation", "dataStore", "dataStoreReference", "documentation",
        "extensionElements", "group", "incoming", "ioSpecification", "laneSet", "monitoring", "outgoing", "property",
        "rendering", "sequenceFlow", "textAnnotation",
    }
)  # fmt: skip
"""Elements of a process or node that draw, document or describe data: tokens run alike without them."""

SILENT_DEFINITIONS = SILENT | {
    "BPMNDiagram", "collaboration", "error", "escalation", "extension", "import", "itemDefinition", "message",
    "process", "relationship", "resource", "signal", "dataStore", "interface", "endPoint",
}  # fmt: skip
"""Elements beside the process. Those that it would have to name to be of effect are refused where they are named."""

SILENT_COLLABORATION = SILENT | {"participant"}

REASONS: Mapping[str, str] = {
    "inclusiveGateway": "how many of its branches run is decided while it runs; use exclusive and parallel gateways",
    "complexGateway": "its rule is written for one engine; use exclusive and parallel gateways",
    "subProcess": "a scenario has one level; draw its content in its place",
    "adHocSubProcess": "its tasks have no order; draw an event-based gateway with receive tasks",
    "transaction": "a scenario has no compensation; draw what follows a failure",
    "callActivity": "the process that it calls is not in this one; draw its content in its place",
    "sendTask": "nodes send every response to all parties by themselves; use a service task for other messages",
    "scriptTask": "scripts are not run; use a service task with an action, or write the data with a response",
    "businessRuleTask": "rules are not run; use conditions on an exclusive gateway",
    "intermediateThrowEvent": "it has no effect that a scenario could have; remove it, or use a service task",
    "implicitThrowEvent": "it has no effect that a scenario could have; remove it",
    "messageFlow": "messages between pools have no place in one scenario; use tasks in lanes",
    "choreography": "only processes are read",
    "globalUserTask": "it stands in no process",
    "multiInstanceLoopCharacteristics": "a task is done once; draw one task for each actor, between parallel gateways",
    "standardLoopCharacteristics": "a task is done once; draw the loop with an exclusive gateway",
    "messageEventDefinition": "a scenario knows responses only; use a receive task",
    "signalEventDefinition": "a scenario knows responses only; use a receive task",
    "conditionalEventDefinition": "data changes by responses only; use an exclusive gateway after the task",
    "escalationEventDefinition": "a scenario has no escalation; draw what follows with a gateway",
    "compensateEventDefinition": "a scenario has no compensation; draw what follows a failure",
    "linkEventDefinition": "draw a sequence flow to where the link leads",
    "cancelEventDefinition": "a scenario has no transactions; end with a terminate event",
    "potentialOwner": "lanes say who does a task",
    "humanPerformer": "lanes say who does a task",
    "performer": "lanes say who does a task",
    "resourceRole": "lanes say who does a task",
    "participantMultiplicity": "an actor is played by one identity; draw a lane for each",
}
"""Why an element cannot be translated, as the end of a sentence."""

EVENTS: Mapping[Kind, Mapping[str, Kind]] = {
    "start": {},
    "end": {"terminateEventDefinition": "end", "errorEventDefinition": "end"},
    "timer": {"timerEventDefinition": "timer"},
    "timed": {"timerEventDefinition": "timed", "errorEventDefinition": "failing"},
}
"""The event definitions that an event can have, and the kind that it is then."""

FIXED_ATTRIBUTES: Mapping[str, tuple[str, str]] = {
    "isForCompensation": ("false", "a scenario has no compensation"),
    "startQuantity": ("1", "a task takes one token"),
    "completionQuantity": ("1", "a task gives one token"),
    "isInterrupting": ("true", "there are no event sub-processes"),
    "cancelActivity": ("true", "it would start a second branch while the task goes on; use a parallel gateway"),
    "instantiate": ("false", "a process starts with its start event"),
    "eventGatewayType": ("Exclusive", "the first event decides"),
    "parallelMultiple": ("false", "an event has one trigger"),
}
"""Attributes that a translated node can have with one value only: that value, and why."""
