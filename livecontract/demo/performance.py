"""The demonstration from the first process to the last: raise the stage, play, prove, and stay up or end."""

import shlex
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from eventchain.core.errors import LiveContractError
from livecontract.demo.play import PROCESS, Play
from livecontract.demo.proofs import Proofs
from livecontract.demo.servers import Servers
from livecontract.demo.signals import undisturbed, unwinding
from livecontract.demo.stage import ORGANISATIONS, Stage
from livecontract.demo.transcript import Transcript
from livecontract.serving import wait_for_signal


def perform(
    transcript: Transcript, directory: Path, servers: Servers, *, once: bool, show: Callable[[dict[str, Any]], None]
) -> bool:
    """Play the demonstration and return whether everything held.

    Args:
        transcript: Hears of every step and check.
        directory: Keys, databases, logs and the evidence file are kept here.
        servers: What the nodes keep chains and queues in, where it is not files.
        once: End afterwards; otherwise stay up until a signal comes.
        show: Is given the whole as JSON when it is complete.

    Raises:
        KeyboardInterrupt: A signal came before the end; the nodes are ended all the same.
    """
    started = time.monotonic()
    stage = Stage(directory, transcript.say, servers)
    play = Play(stage, transcript)
    evidence = directory / "evidence.json"
    with unwinding():
        try:
            _perform(transcript, stage, play, evidence)
            seconds = time.monotonic() - started
            show(_document(transcript, stage, play.chain, evidence, seconds))
            _say_end(transcript, stage, evidence, seconds)
            if not once and transcript.ok:
                with suppress(KeyboardInterrupt):
                    transcript.say("The nodes stay up. Ctrl-C ends them.")
                    wait_for_signal()
        finally:
            with undisturbed():
                stage.stop()
    return transcript.ok


def _perform(transcript: Transcript, stage: Stage, play: Play, evidence: Path) -> None:
    try:
        _raise_stage(stage, transcript)
        play.run()
        Proofs(stage, transcript, play.chain, PROCESS, evidence).run()
    except LiveContractError as error:
        transcript.find("demonstration", False, f"it could not be played to the end: {error}")


def _raise_stage(stage: Stage, transcript: Transcript) -> None:
    transcript.heading("Three organisations, each with a node of its own")
    with transcript.step("a public chain, a mailbox and three nodes start") as task:
        stage.start()
        lines = stage.servers.describe()
        lines += [f"{'public chain':<20} {stage.public_chain.url}  (process {stage.public_chain.pid})"]
        lines += [f"{node.name:<20} {node.url}  (process {node.pid}, the {role})" for role, node in stage.nodes.items()]
        task.detail = "\n".join(lines)


def _say_end(transcript: Transcript, stage: Stage, evidence: Path, seconds: float) -> None:
    restarts = sum(node.restarts for node in [stage.public_chain, *stage.nodes.values()])
    transcript.heading("Everything held." if transcript.ok else "Something did not hold.")
    transcript.say(f"{seconds:.1f} s; restarts of nodes: {restarts}. Everything is kept in {evidence.parent}")
    if evidence.exists():
        command = shlex.join([_program(), "verify", str(evidence)])
        transcript.say(f"Verify the evidence yourself: {command}")


def _program() -> str:
    """Return how the command line was called, which need not be on the path."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "livecontract" else "livecontract"


def _document(transcript: Transcript, stage: Stage, chain: str, evidence: Path, seconds: float) -> dict[str, Any]:
    nodes = [
        {"role": role, "name": ORGANISATIONS[role], "url": node.url, "restarts": node.restarts}
        for role, node in stage.nodes.items()
    ]
    return {
        **transcript.to_dict(),
        "seconds": round(seconds, 3),
        "chain": chain,
        "process": PROCESS,
        "nodes": nodes,
        "public_chain": stage.public_chain.url,
        "evidence": str(evidence) if evidence.exists() else None,
    }
