"""Two chains with a node on both, and scenarios of which one tells the other; what tests of several nodes share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventchain.core.keys import KeyPair
from livecontract.simulation import Simulation, Storage
from tests.node.stage import Stage

NAMES = ("asker", "carrier", "answerer")
HERE, THERE = ("asker", "carrier"), ("answerer", "carrier")
OWN = "urn:livecontract:scenario:1"
ASKER_KEY = str(KeyPair.from_seed_phrase("asker user").public_key)

WORDS = {"words": "Is it true?"}
PLACE = {"properties": {"chain": {"type": "string"}, "process": {"type": "string"}}}


def telling(tell: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A scenario in which the asker says something, and the carrier's node tells the other chain."""
    body = {
        "process": {"<ref>": "assets.there.process"},
        "action": "hear",
        "data": {"<ref>": "assets.said"},
    }
    return {
        "$schema": OWN,
        "id": "telling",
        "actors": {"asker": {}, "carrier": {}},
        "assets": {"there": PLACE, "said": {}, "told": {}},
        "actions": {
            "say": {"actor": "asker", "responses": {"ok": {"update": {"select": "assets.said", "patch": False}}}},
            "tell": {
                "$schema": "urn:livecontract:action:event",
                "actor": "carrier",
                "chain": {"<ref>": "assets.there.chain"},
                "body": body,
                "responses": {"ok": {"update": "assets.told"}, "error": {"update": "assets.told"}},
                **(tell or {}),
            },
        },
        "states": {
            "initial": {"action": "say", "transition": "said"},
            "said": {
                "action": "tell",
                "timeout": "P7D",
                "transitions": [
                    {"action": "tell", "response": "ok", "transition": ":success"},
                    {"action": "tell", "response": "error", "transition": ":failed"},
                    {"action": ":timeout", "transition": ":cancelled"},
                ],
            },
        },
        **more,
    }


def hearing(accepts: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A scenario in which the carrier's node gives what comes from the other chain, again and again."""
    accepted = {"chain": {"<ref>": "assets.source.chain"}, "process": {"<ref>": "assets.source.process"}}
    return {
        "$schema": OWN,
        "id": "hearing",
        "actors": {"answerer": {}, "carrier": {}},
        "assets": {"source": PLACE, "heard": {}, "origin": {}},
        "actions": {
            "hear": {
                "system": True,
                "actor": "carrier",
                "accepts": accepted if accepts is None else accepts,
                "responses": {
                    "ok": {
                        "update": [
                            {"select": "assets.heard", "patch": False},
                            {"select": "assets.origin", "data": {"<ref>": "current.response.origin"}},
                        ]
                    }
                },
            },
            "plain": {"system": True, "actor": "carrier"},
            "end": {"actor": "answerer"},
        },
        "states": {
            "initial": {
                "actions": ["hear", "plain", "end"],
                "transitions": [{"action": "end", "transition": ":success"}],
            }
        },
        **more,
    }


@dataclass
class Crossing:
    """A simulation with both chains: on the one somebody tells, on the other somebody hears."""

    here: Stage
    there: Stage

    @classmethod
    def begin(
        cls,
        teller: Mapping[str, Any],
        hearer: Mapping[str, Any],
        *,
        storage: Storage | None = None,
        is_on_both: bool = True,
    ) -> "Crossing":
        here = Stage.of(Simulation(5, names=NAMES, storage=storage), NAMES).found("asker", ("carrier",))
        there = Stage(here.simulation, here.parties).found("answerer", ("carrier",) if is_on_both else ())
        crossing = cls(here, there)
        crossing.start(here, "asker", teller, {"there": {"chain": there.chain, "process": "process"}})
        actors = THERE if is_on_both else ("answerer",)
        crossing.start(there, "answerer", hearer, {"source": {"chain": here.chain, "process": "process"}}, actors)
        return crossing

    def start(
        self,
        stage: Stage,
        creator: str,
        scenario: Mapping[str, Any],
        assets: Mapping[str, Any],
        actors: tuple[str, ...] | None = None,
        process: str = "process",
    ) -> None:
        stage[creator].post(stage.chain, scenario)
        body = {
            "$schema": "urn:livecontract:process:1",
            "id": process,
            "scenario": scenario["id"],
            "actors": {name: {"identity": name} for name in actors or (HERE if stage is self.here else THERE)},
            "assets": {key: value for key, value in assets.items() if key in scenario["assets"]},
        }
        stage[creator].post(stage.chain, body)
        stage.simulation.settle(receipts=False)

    def say(self, data: Any) -> None:
        self.here.act("asker", "say", data)
        self.here.simulation.settle(receipts=False)

    @property
    def said(self) -> dict[str, Any]:
        """The response with which the asker said it, as it stands in the history."""
        process = self.here.node("carrier").workflow.process("process", self.here.chain)
        return next(dict(item) for item in process.previous if item["action"]["key"] == "say")

    def assets(self, stage: Stage, name: str) -> Mapping[str, Any]:
        return stage.node(name).workflow.process("process", stage.chain).assets

    def heard(self) -> list[str]:
        """The actions that were answered on the other chain."""
        process = self.there.node("answerer").workflow.process("process", self.there.chain)
        return [item["action"]["key"] for item in process.previous]


def quiet(accepts: dict[str, Any] | None = None) -> Crossing:
    """Both chains, of which the one that tells carries nothing by itself."""
    chains = Crossing.begin(telling({"chain": {"<ref>": "assets.there.nothing"}}), hearing(accepts))
    chains.say(WORDS)
    return chains
