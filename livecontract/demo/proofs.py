"""What the demonstration proves at the end, each as a line that says what was compared."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from anchor import receipt as receipts
from anchor.block import Header
from eventchain.chain import read_chain
from eventchain.core import base58, canonical_json
from eventchain.core.errors import LiveContractError
from eventchain.tip import entries_of
from livecontract.client import part
from livecontract.demo.stage import Stage, wait_for
from livecontract.demo.transcript import Transcript
from workflow_engine.engine import replay

VERIFY_SECONDS = 60


class Proofs:
    """Compares what the nodes hold, and what can be shown without them."""

    def __init__(self, stage: Stage, transcript: Transcript, chain: str, process: str, evidence: Path) -> None:
        self._stage = stage
        self._tell = transcript
        self._chain = chain
        self._process = process
        self._evidence = evidence

    def run(self) -> None:
        """Make every check, also after one that fails."""
        self._tell.heading("What can be shown now")
        for check, prove in (
            ("same chains", self._same_chains),
            ("same projections", self._same_projections),
            ("replay", self._replay),
            ("receipts", self._receipts),
            ("evidence", self._verifies),
            ("tampering", self._flipped_byte_is_found),
        ):
            try:
                ok, message = prove()
            except (LiveContractError, OSError, subprocess.SubprocessError) as error:
                ok, message = False, str(error)
            self._tell.find(check, ok, message)

    def _same_chains(self) -> tuple[bool, str]:
        chains = {role: canonical_json.encode(agent.chain(self._chain)) for role, agent in self._stage.agents.items()}
        digests = {base58.encode(canonical_json.digest(json.loads(data))) for data in chains.values()}
        length = len(json.loads(chains["buyer"])["events"])
        return len(set(chains.values())) == 1, (
            f"the chains on {len(chains)} nodes, {length} events each, are byte-identical: SHA-256 {_list(digests)}"
        )

    def _same_projections(self) -> tuple[bool, str]:
        digests = {canonical_json.digest(agent.process(self._process)) for agent in self._stage.agents.values()}
        state = self._stage.agents["seller"].process(self._process)["current"]["key"]
        return len(digests) == 1 and state == ":success", (
            f"the projections on {len(self._stage.agents)} nodes are equal, in state {state}: "
            f"SHA-256 {_list({base58.encode(digest) for digest in digests})}"
        )

    def _replay(self) -> tuple[bool, str]:
        chain = read_chain(self._stage.agents["inspector"].chain(self._chain))
        projection = replay([entry for _, entry in entries_of(chain)])
        replayed = next(item for item in projection["processes"] if item["id"] == self._process)
        shown = self._stage.agents["buyer"].process(self._process)
        return canonical_json.encode(replayed) == canonical_json.encode(shown), (
            f"{len(chain.events)} events replayed from the first one give the projection the buyer's node shows: "
            f"SHA-256 {base58.encode(canonical_json.digest(replayed))}"
        )

    def _receipts(self) -> tuple[bool, str]:
        found = {role: self._receipts_of(role) for role in self._stage.agents}
        headers = self._headers()
        receipts.verify_header_chain(headers, headers[0].signature, self._stage.anchor.fetch_parameters())
        count = 0
        for of_role in found.values():
            for hash_, document in of_role.items():
                receipts.verify_in_chain(receipts.verify(document, base58.decode(hash_)), headers)
                count += 1
        events = len(found["buyer"])
        return count == events * len(found), (
            f"{events} event hashes on each of {len(found)} nodes: the inclusion path of every receipt leads to the "
            f"anchor root of a signed block, one of {len(headers)} that follow each other from the genesis block"
        )

    def _receipts_of(self, role: str) -> dict[str, Any]:
        def complete() -> dict[str, Any] | None:
            found = self._stage.agents[role].receipts(self._chain)
            return found if found and all(found.values()) else None

        return wait_for(complete, f"the receipts of the {role}")

    def _headers(self) -> list[Header]:
        """Ask the public chain, not the parties, for its block headers, up to one after the last receipt's block."""
        top = max(item["block"]["height"] for item in self._stage.agents["buyer"].receipts(self._chain).values())

        def final() -> list[Header] | None:
            headers = self._stage.anchor.headers(1, top + 1)
            return headers if len(headers) > top else None

        return wait_for(final, "the last block to be final")

    def _verifies(self) -> tuple[bool, str]:
        agent = self._stage.agents["buyer"]
        path = f"/event-chains/{part(self._chain)}/evidence"
        document = agent.client.get(path, wait=30)
        self._evidence.write_bytes(canonical_json.encode(document))
        report = _verify(self._evidence)
        held = [item["check"] for item in report["checks"] if item["ok"]]
        return bool(report["valid"]), (
            f"{self._evidence} ({self._evidence.stat().st_size} bytes), verified by a fresh process without node or "
            f"network: {len(held)} of {len(report['checks'])} checks hold ({', '.join(held)})"
        )

    def _flipped_byte_is_found(self) -> tuple[bool, str]:
        data = bytearray(self._evidence.read_bytes())
        document = json.loads(data)
        signature = document["chain"]["events"][-1]["signature"].encode("ascii")
        place = data.index(signature) + 10
        data[place] = ord("2") if data[place] != ord("2") else ord("3")
        flipped = self._evidence.with_suffix(".flipped.json")
        flipped.write_bytes(data)
        report = _verify(flipped)
        failed = [item["check"] for item in report["checks"] if not item["ok"]]
        return not report["valid"] and "signatures" in failed, (
            f"with byte {place} flipped, in a signature, it does not verify; the checks that fail: {', '.join(failed)}"
        )


def _verify(path: Path) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 (our own program, our own file)
        [sys.executable, "-m", "livecontract", "verify", str(path), "--json"],
        capture_output=True,
        timeout=VERIFY_SECONDS,
        check=False,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _list(values: set[str]) -> str:
    return " ≠ ".join(sorted(values))
