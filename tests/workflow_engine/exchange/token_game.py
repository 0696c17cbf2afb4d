"""An interpreter of the same subset of BPMN, written apart from the translation: one token moves over one element at a
time, in every order, on a multiset of tokens. It knows nothing of states, limits or soundness.

A token is (place, outcome): a place is a flow that it is on or a node that it is in; the outcome is the response of the
task that the flow comes from, else "". Gateways and events take no time, so a response comes only when none can move.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from defusedxml import ElementTree  # type: ignore[import-untyped]  # it has no types

Token = tuple[str, str]
Label = tuple[str, str]
"""(task, response), or (":timeout", "")."""

FINAL = ":"
WAITING = {"userTask", "serviceTask", "receiveTask", "eventBasedGateway", "intermediateCatchEvent"}


@dataclass(frozen=True)
class Configuration:
    """All tokens, the flag, and how it ended ("" while it goes on)."""

    tokens: tuple[Token, ...]
    flag: bool | None
    ended: str = ""


class Game:
    def __init__(self, xml: bytes) -> None:
        root = ElementTree.fromstring(xml)
        process = next(item for item in root if _name(item) == "process")
        self.nodes = {
            item.get("id"): item
            for item in process
            if _name(item) not in ("sequenceFlow", "laneSet") and item.get("id")
        }
        self.flows = {item.get("id"): item for item in process if _name(item) == "sequenceFlow"}

    def start(self) -> Configuration:
        begin = next(key for key, item in self.nodes.items() if _name(item) == "startEvent")
        return Configuration(self._on_flows(begin, ""), None)

    def leaving(self, node: str) -> list[str]:
        return [key for key, item in self.flows.items() if item.get("sourceRef") == node]

    def entering(self, node: str) -> list[str]:
        return [key for key, item in self.flows.items() if item.get("targetRef") == node]

    def _on_flows(self, node: str, outcome: str) -> tuple[Token, ...]:
        return tuple((flow, outcome) for flow in self.leaving(node))

    def rest(self, configuration: Configuration) -> set[Configuration]:
        """Every configuration that is at rest after tokens moved in some order."""
        found, todo, seen = set(), [configuration], {configuration}
        while todo:
            present = todo.pop()
            following = self._silent(present)
            if not following:
                found.add(present)
            for item in following - seen:
                seen.add(item)
                todo.append(item)
        return found

    def _silent(self, present: Configuration) -> set[Configuration]:
        following = set()
        for token in set(present.tokens):
            place, outcome = token
            if place not in self.flows or present.ended:
                continue
            node = self.flows[place].get("targetRef")
            kind = _name(self.nodes[node])
            rest = _without(present.tokens, [token])
            if kind in WAITING:
                following.add(_with(present, (*rest, (node, ""))))
            elif kind == "endEvent":
                following.add(self._ended(present, node, rest))
            elif kind == "exclusiveGateway":
                following.add(_with(present, (*rest, (self._decided(node, outcome, present.flag), ""))))
            elif kind == "parallelGateway":
                needed = self.entering(node)
                taken = [next((item for item in present.tokens if item[0] == flow), None) for flow in needed]
                if None not in taken:
                    left = _without(present.tokens, [item for item in taken if item])
                    following.add(_with(present, (*left, *self._on_flows(node, ""))))
        return following

    def _ended(self, present: Configuration, node: str, rest: tuple[Token, ...]) -> Configuration:
        inside = {_name(child) for child in self.nodes[node]}
        if "errorEventDefinition" in inside:
            return Configuration((), present.flag, ":failed")
        if "terminateEventDefinition" in inside or not rest:
            return Configuration((), present.flag, ":success")
        return _with(present, rest)

    def _decided(self, gateway: str, outcome: str, flag: bool | None) -> str:
        flows = self.leaving(gateway)
        if len(flows) == 1:
            return flows[0]
        default = self.nodes[gateway].get("default")
        if default is not None:
            return next(flow for flow in flows if flow != default) if flag else default
        return next(flow for flow in flows if self.flows[flow].get("name") == outcome)

    def moves(self, present: Configuration) -> dict[Label, Configuration]:
        """What may happen in a configuration at rest, with the tokens then; the data of the response is not written."""
        found: dict[Label, Configuration] = {}
        for token in present.tokens:
            place = token[0]
            if place not in self.nodes:
                continue
            kind, rest = _name(self.nodes[place]), _without(present.tokens, [token])
            if kind == "eventBasedGateway":
                events = [self.flows[flow].get("targetRef") for flow in self.leaving(place)]
            else:
                events = [place]
            for event in events:
                for response, flows in self._ways(event):
                    found[response] = _with(present, (*rest, *flows))
            for key, item in self.nodes.items():
                if _name(item) == "boundaryEvent" and item.get("attachedToRef") == place and _is_timer(item):
                    found[":timeout", ""] = _with(present, (*rest, *self._on_flows(key, "")))
        return found

    def _ways(self, node: str) -> list[tuple[Label, tuple[Token, ...]]]:
        if _name(self.nodes[node]) == "intermediateCatchEvent":
            return [((":timeout", ""), self._on_flows(node, ""))]
        gateway = self.flows[self.leaving(node)[0]].get("targetRef")
        names = [self.flows[flow].get("name") for flow in self.leaving(gateway)]
        outcomes = names if len(names) > 1 and all(names) else ["ok"]
        ways = [((node, name), self._on_flows(node, name)) for name in outcomes]
        for key, item in self.nodes.items():
            if _name(item) == "boundaryEvent" and item.get("attachedToRef") == node and not _is_timer(item):
                ways.append(((node, "error"), self._on_flows(key, "error")))
        return ways

    def defects(self) -> set[str]:
        """What is wrong with a process without conditions: `two tokens`, `stuck`, `no end`."""
        found: set[str] = set()
        first = self.rest(self.start())
        back: dict[Configuration, set[Configuration]] = {item: set() for item in first}
        todo, ends = list(first), set()
        while todo and len(back) < 3000:
            present = todo.pop()
            if max(Counter(place for place, _ in present.tokens).values(), default=0) > 1:
                return {"two tokens"}
            if present.ended:
                ends.add(present)
            moves = self.moves(present)
            if not moves and not present.ended:
                found.add("stuck")
            for move in moves.values():
                for item in self.rest(move):
                    if item not in back:
                        back[item] = set()
                        todo.append(item)
                    back[item].add(present)
        waiting, reached = list(ends), set(ends)
        while waiting:
            for item in back[waiting.pop()] - reached:
                reached.add(item)
                waiting.append(item)
        return found | ({"no end"} if reached != set(back) else set())


def _name(item: Any) -> str:
    return str(item.tag).rpartition("}")[2]


def _is_timer(item: Any) -> bool:
    return any(_name(child) == "timerEventDefinition" for child in item)


def _without(tokens: tuple[Token, ...], taken: list[Token]) -> tuple[Token, ...]:
    return tuple((Counter(tokens) - Counter(taken)).elements())


def _with(present: Configuration, tokens: tuple[Token, ...]) -> Configuration:
    return Configuration(tuple(sorted(tokens)), present.flag, present.ended)
