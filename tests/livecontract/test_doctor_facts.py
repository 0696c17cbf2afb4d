"""The doctor at real nodes: what it sees of a running one, of one that does not run, and what asking others repairs."""

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dispatcher.message import Message
from eventchain.core.clock import system_clock
from eventchain.core.errors import ForbiddenError
from eventchain.store.sqlite import SqliteStore
from livecontract import bootstrap
from livecontract.cli.main import main
from livecontract.config import load
from livecontract.doctor import HOUR, MINUTE, Finding, diagnose
from livecontract.doctor_facts import Examiner, Patient, expiry, of_config
from livecontract.facts import Facts
from tests.livecontract.parties import Parties, parties
from tests.livecontract.running import OWNER, STRANGER, Caller, running, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    with parties(tmp_path_factory.mktemp("pair"), "acme", "beta") as found:
        found.found("acme", ["beta"])
        yield found


def examine(pair: Parties, name: str, clock: Any = system_clock) -> list[Finding]:
    return diagnose(Examiner(of_config(pair.nodes[name].config), clock=clock).collect())


def checks(findings: list[Finding]) -> list[str]:
    return [finding.check for finding in findings]


def run(pair: Parties, name: str, capsys: Any, *options: str) -> tuple[int, Any]:
    config = pair.nodes[name].config
    given = ("--data", str(config.data), "--url", config.public_url, "--anchor", config.anchor)
    capsys.readouterr()
    code = main(["doctor", *given, "--json", *options])
    return code, json.loads(capsys.readouterr().out)


def test_healthy_nodes_have_nothing_to_say(pair: Parties, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("acme", "beta"):
        pair.wait_for_receipts(name)
        assert run(pair, name, capsys) == (0, {"healthy": True, "node": pair.nodes[name].url, "findings": []})
    config = pair.nodes["beta"].config
    assert main(["doctor", "--data", str(config.data), "--url", config.public_url]) == 0
    assert "All is well" in capsys.readouterr().out


def test_facts_of_a_running_node_are_complete(pair: Parties) -> None:
    facts = Examiner(of_config(pair.nodes["beta"].config)).collect()
    assert facts.told_key == facts.expected_key == str(pair.nodes["beta"].key.public_key)
    assert facts.queues is not None
    assert {"events", "relay", "asks"} <= facts.queues.keys()
    assert list(facts.peer_clocks) == [pair.nodes["acme"].url]
    assert abs(facts.peer_clocks[pair.nodes["acme"].url]) < MINUTE
    assert facts.clock is not None
    assert facts.disk_free
    assert facts.last_block
    assert facts.block_time == 100


def test_dead_letter_is_shown_with_its_reason_and_goes_as_it_is_told(
    pair: Parties, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = pair.nodes["beta"].node.parts.broker
    broker.publish([Message(queue="events", id="bad", group="x", body=b"{")])
    wait_for(lambda: broker.dead_letters(), "the message to die")
    code, report = run(pair, "beta", capsys)
    assert code == 1
    (finding,) = report["findings"]
    assert finding["check"] == "dead letters"
    assert "events.bad" in finding["what"]
    assert "--discard events.bad" in finding["todo"]
    code, report = run(pair, "beta", capsys, "--requeue", "events.bad")
    wait_for(lambda: broker.dead_letters(), "the message to die again")
    assert run(pair, "beta", capsys, "--discard", "events.bad")[0] == 0
    assert broker.dead_letters() == []
    assert run(pair, "beta", capsys, "--discard", "events.bad")[0] == 1


def test_lost_forward_is_found_and_repaired(pair: Parties, capsys: pytest.CaptureFixture[str]) -> None:
    pair.stop("beta")
    pair.note("acme")
    broker = pair.nodes["acme"].node.parts.broker
    wait_for(lambda: broker.depth("relay").waiting, "the message that finds nobody")
    _forget_relay(pair, "acme")
    pair.start("beta")
    assert pair.end("beta") != pair.end("acme")
    code, report = run(pair, "beta", capsys, "--repair", "--wait", "15")
    assert code == 0
    (finding,) = report["findings"]
    assert (finding["check"], finding["severity"]) == ("missing events", "notice")
    assert pair.chain in finding["what"]
    assert pair.end("beta") == pair.end("acme")
    assert pair.projection("beta") == pair.projection("acme")
    assert run(pair, "beta", capsys, "--repair", "--wait", "15")[1]["findings"] == []


def _forget_relay(pair: Parties, name: str) -> None:
    """Stop a node, delete what it was about to send, and start it again."""
    config = pair.stop(name)
    broker = bootstrap.open_broker(config, lambda: system_clock() + 10 * HOUR)
    broker.ack(broker.receive("relay", 100))
    broker.close()
    pair.start(name)


def test_clock_that_is_wrong_is_found(pair: Parties) -> None:
    wrong = lambda: system_clock() - 20_000  # noqa: E731
    findings = examine(pair, "beta", wrong)
    assert checks(findings) == ["clock"]
    assert "ahead of this machine's" in findings[0].what


@pytest.mark.parametrize("path", ["/doctor", "/doctor/chains"])
def test_only_operators_look(pair: Parties, path: str) -> None:
    url = pair.nodes["beta"].url
    assert Caller(url).get(path).status == 401
    assert Caller(url, STRANGER).get(path).status == 403
    assert Caller(url, pair.user("beta")).get(path).status == 403
    assert Caller(url, pair.nodes["beta"].key).get(path).status == 200
    assert Caller(url, STRANGER).post("/doctor/asks", {}).status == 403


def test_operator_may_look_from_elsewhere(tmp_path: Path) -> None:
    with running(tmp_path / "node", operators=(str(OWNER.public_key),)) as node:
        facts = Examiner(Patient(url=node.url, key=OWNER)).collect()
        assert facts.queues is not None
        with pytest.raises(ForbiddenError):
            Examiner(Patient(url=node.url, key=STRANGER)).collect()


def test_queue_that_does_not_work_is_found_beside_all_else(tmp_path: Path) -> None:
    with running(tmp_path / "node") as node:
        node.node.parts.broker.close()
        facts = Examiner(of_config(node.config)).collect()
        assert checks(diagnose(facts)) == ["queue"]
        assert facts.unanswered.keys() == {"/queue", "/queue/dead-letters"}
        assert facts.unanchored is not None


def test_service_that_is_away_is_found(tmp_path: Path) -> None:
    """The web server, which is asked first, is ready without the services behind it."""
    with running(tmp_path / "node") as node:
        config = replace(node.config, eventchain=node.url, workflow="http://127.0.0.1:1")
        (finding,) = diagnose(Examiner(replace(of_config(node.config), config=config)).collect())
        assert (finding.check, "the service workflow does not work" in finding.what) == ("services", True)
        assert "http://127.0.0.1:1 does not answer: the connection was refused" in finding.what
        node.node.parts.broker.close()
        found = [item.what for item in diagnose(Examiner(replace(of_config(node.config), config=config)).collect())]
        assert "the service eventchain does not work: its queue failed" in found


def test_broker_without_a_login_is_found(tmp_path: Path) -> None:
    config = replace(load({"data": tmp_path}, environment={}), peers=("amqps://us:pw@known.example/a",))
    examiner = Examiner(of_config(config))
    uris = ["amqps://known.example/a", "amqps://known.example/b", "amqp://u:p@x/", "amqps://"]
    facts = examiner._with_peers(Facts(now=0, url="http://node"), uris)
    (finding,) = diagnose(facts)
    assert finding.what == "there is no login for amqps://known.example/b"
    web = replace(config, service="web")  # it has no logins, and needs none
    assert Examiner(of_config(web))._with_peers(facts, uris).no_login == []


def test_node_that_does_not_run_is_looked_at_from_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running(tmp_path / "node") as node:
        config = node.config
    findings = diagnose(Examiner(of_config(config)).collect())
    assert checks(findings) == ["node"]
    assert "the connection was refused" in findings[0].what
    assert main(["doctor", "--data", str(config.data), "--url", config.public_url]) == 1
    assert "NOT  node" in capsys.readouterr().out


def test_key_file_that_others_can_read_is_found(tmp_path: Path) -> None:
    with running(tmp_path / "node") as node:
        config = node.config
    config.key_place.chmod(0o644)
    findings = diagnose(Examiner(of_config(config)).collect())
    assert checks(findings) == ["node", "key"]
    assert "open to other users" in findings[1].what
    config.key_place.unlink()
    assert "no key file" in diagnose(Examiner(of_config(config)).collect())[1].what


def test_other_node_behind_the_url_is_found(pair: Parties) -> None:
    patient = replace(of_config(pair.nodes["beta"].config), url=pair.nodes["acme"].url)
    findings = diagnose(Examiner(patient).collect())
    assert checks(findings) == ["key"]
    assert str(pair.nodes["acme"].key.public_key) in findings[0].what


def test_store_of_another_version_is_found(tmp_path: Path) -> None:
    with running(tmp_path / "node") as node:
        config = node.config
    assert isinstance(node.node.parts.store, SqliteStore)
    connection = sqlite3.connect(config.data / "node.db")
    connection.execute("PRAGMA user_version = 999")
    connection.commit()
    connection.close()
    assert checks(diagnose(Examiner(of_config(config)).collect())) == ["node", "store"]


def test_store_of_an_older_version_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    with running(tmp_path / "node") as node:
        config = node.config
    file = config.data / "node.db"
    connection = sqlite3.connect(file)
    connection.execute("ALTER TABLE events DROP COLUMN receipt")
    connection.commit()
    connection.close()
    before = file.read_bytes()
    findings = diagnose(Examiner(of_config(config)).collect())
    assert checks(findings) == ["node", "store"]
    assert "older version" in findings[1].what
    assert file.read_bytes() == before


def test_certificate_that_expires_is_found(tmp_path: Path) -> None:
    file = tmp_path / "broker.pem"
    expires = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=2)
    file.write_bytes(_certificate(expires))
    assert expiry(file) == int(expires.timestamp() * 1000)
    assert expiry(tmp_path / "none.pem") is None
    file.with_suffix(".txt").write_text("no certificate")
    assert expiry(file.with_suffix(".txt")) is None
    with running(tmp_path / "node") as node:
        config = replace(node.config, broker_ca=file)
        assert checks(diagnose(Examiner(of_config(config)).collect())) == ["certificates"]


def _certificate(expires: dt.datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(expires - dt.timedelta(days=30)).not_valid_after(expires)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_silent_peer_and_stopped_anchor_are_found(pair: Parties) -> None:
    pair.stop("acme")
    try:
        findings = examine(pair, "beta")
    finally:
        pair.start("acme")
    assert checks(findings) == ["peers"]
    assert pair.nodes["acme"].url in findings[0].what
