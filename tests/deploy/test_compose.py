"""The compose files: valid, closed, and in agreement with the code and with each other."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from livecontract.config import Config
from tests.deploy.files import (
    DEPLOY,
    PREFIX,
    ROLES,
    configuration,
    image_environment,
    of_runtime,
    secrets_in,
    targets,
)

BOTH = ("compose.yaml", "compose.minimal.yaml")
ORGANISATIONS = ("acme", "beta")
COMMON = "public-chain"
MEETING = "between"
OWN_IMAGE = "livecontract:"
SERVERS = ("store", "broker")


def read(file: str) -> dict[str, Any]:
    """Return a compose file with the defaults of its variables filled in."""
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (DEPLOY / file).read_text())
    assert "${" not in text, "a variable has no default"
    return dict(yaml.safe_load(text))


FILES = {file: read(file) for file in BOTH}
SERVICES: dict[str, dict[str, Any]] = FILES["compose.yaml"]["services"]
EVERY = [(file, name) for file in BOTH for name in FILES[file]["services"]]


def is_node(service: Mapping[str, Any]) -> bool:
    """Whether a service runs our image as a process of a node; one that makes a key ends at once."""
    return str(service["image"]).startswith(OWN_IMAGE) and "entrypoint" not in service


NODES = [name for name, service in SERVICES.items() if is_node(service)]
every = pytest.mark.parametrize(("file", "name"), EVERY)
node = pytest.mark.parametrize("name", NODES)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `deploy` as it is after `deploy/prepare`."""
    folder = tmp_path_factory.mktemp("project") / "deploy"
    shutil.copytree(DEPLOY, folder, ignore=shutil.ignore_patterns("secrets"))
    prepare(folder)
    return folder


def prepare(folder: Path) -> None:
    subprocess.run([folder / "prepare"], cwd="/", check=True, capture_output=True)


def secrets_of(name: str, prepared: Path, folder: Path) -> Path:
    """Lay out the secrets of a service as its container finds them, from the files that were prepared."""
    for secret in SERVICES[name].get("secrets", []):
        file = FILES["compose.yaml"]["secrets"][secret["source"]]["file"]
        shutil.copy(prepared / file, folder / secret["target"])
    return folder


def config_of(name: str, prepared: Path, folder: Path) -> Config:
    return configuration(SERVICES[name]["environment"], secrets_of(name, prepared, folder))


# --- Form -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", BOTH)
def test_file_fits_the_compose_specification(file: str) -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", DEPLOY / file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", BOTH)
def test_file_holds_no_secret(file: str) -> None:
    assert secrets_in([(DEPLOY / file).read_text()]) == []


def test_everything_that_is_named_is_declared_and_used() -> None:
    document = FILES["compose.yaml"]
    used: dict[str, set[str]] = {"secrets": set(), "configs": set(), "networks": set(), "volumes": set()}
    for service in SERVICES.values():
        used["secrets"] |= {item["source"] for item in service.get("secrets", [])}
        used["configs"] |= {item["source"] for item in service.get("configs", [])}
        used["networks"] |= set(service.get("networks", []))
        used["volumes"] |= {item.partition(":")[0] for item in service.get("volumes", [])}
    assert {kind: set(document[kind]) for kind in used} == used


def test_every_file_that_is_named_is_there(prepared: Path) -> None:
    document = FILES["compose.yaml"]
    files = [item["file"] for kind in ("configs", "secrets") for item in document[kind].values()]
    assert [file for file in files if not (prepared / file).is_file()] == []
    for file, name in EVERY:
        build = FILES[file]["services"][name].get("build")
        assert not build or (DEPLOY / build["context"] / build["dockerfile"]).is_file()


# --- Rights -----------------------------------------------------------------------------------------------------------


@every
def test_container_has_no_rights_it_does_not_need(file: str, name: str) -> None:
    service = FILES[file]["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    user = of_runtime("USER")[0].text if service["image"].startswith(OWN_IMAGE) else service["user"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


@every
def test_container_cannot_take_the_whole_machine(file: str, name: str) -> None:
    service = FILES[file]["services"][name]
    assert service["deploy"]["resources"]["limits"].keys() >= {"cpus", "memory"}
    assert service["pids_limit"] > 0


@every
def test_published_ports_are_open_to_this_machine_alone(file: str, name: str) -> None:
    for port in FILES[file]["services"][name].get("ports", []):
        host, outside, inside = port.split(":")
        assert host == "127.0.0.1"
        environment = FILES[file]["services"][name]["environment"]
        assert inside == image_environment()["LIVECONTRACT_PORT"]
        assert urlsplit(environment["LIVECONTRACT_URL"]).port == int(outside)


# --- Agreement with the code ------------------------------------------------------------------------------------------


@node
def test_node_accepts_the_environment_of_each_container(name: str, prepared: Path, tmp_path: Path) -> None:
    config = config_of(name, prepared, tmp_path)
    assert config.service == ("all" if name == COMMON else name.partition("-")[2])
    assert config.passphrase
    needed = {target.setting for target in targets(config)} & {"store", "broker"}
    assert {setting for setting in ("store", "broker") if getattr(config, f"{setting}_password")} == needed
    assert bool(config.peers) == ("broker" in needed)


def test_node_accepts_the_minimal_environment(tmp_path: Path) -> None:
    (service,) = FILES["compose.minimal.yaml"]["services"].values()
    config = configuration(service["environment"], tmp_path)
    assert (config.service, config.anchor, config.store) == ("all", "embedded", "sqlite:node.db")
    assert service["volumes"] == [f"data:{config.data}"]


@node
def test_settings_come_from_variables_with_our_prefix_alone(name: str) -> None:
    assert all(variable.startswith(PREFIX) for variable in SERVICES[name]["environment"])


@node
def test_services_are_named_where_they_are(name: str, prepared: Path, tmp_path: Path) -> None:
    for setting, host, port in targets(config_of(name, prepared, tmp_path)):
        assert host in SERVICES, f"{name}: {setting} names {host}, which is no service"
        assert set(SERVICES[name]["networks"]) & set(SERVICES[host]["networks"]), f"{name} does not reach {host}"
        image = SERVICES[host]["image"]
        ports = {
            "mongo": {27017},
            "rabbitmq": {5672, 15672},
            OWN_IMAGE: {int(image_environment()["LIVECONTRACT_PORT"])},
        }
        assert port in next(open_ports for part, open_ports in ports.items() if part in image)


@node
def test_services_are_asked_at_the_url_they_expect_signatures_for(name: str, prepared: Path, tmp_path: Path) -> None:
    config = config_of(name, prepared, tmp_path)
    for role in ROLES:
        url = getattr(config, role)
        if url and url != "embedded":
            other = config_of(urlsplit(url).hostname or "", prepared, tmp_path)
            assert (other.service, other.own_url) == ("all" if role == "anchor" else role, url)


@node
def test_every_process_of_a_node_agrees_on_what_the_node_is(name: str, prepared: Path, tmp_path: Path) -> None:
    whole = name if name == COMMON else f"{owner(name)}-web"
    config, web = (config_of(part, prepared, tmp_path) for part in (name, whole))
    for setting in ("name", "network", "url", "node_uri", "store", "broker", "users", "operators"):
        assert getattr(config, setting) == getattr(web, setting)


def test_every_organisation_runs_every_service_but_the_public_chain() -> None:
    for own in ORGANISATIONS:
        found = {name.removeprefix(f"{own}-") for name in NODES if name.startswith(f"{own}-")}
        assert found == {"web", "eventchain", "workflow", "dispatcher"}


# --- Starting ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_waited_for_can_come(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        service = SERVICES[other]
        check = service.get("healthcheck", {})
        if wanted["condition"] == "service_healthy":
            assert service["image"].startswith(OWN_IMAGE) or check["test"][0] == "CMD"
            assert "disable" not in check
        else:
            assert wanted["condition"] == "service_completed_successfully"
            assert "entrypoint" in service
            assert service["restart"].startswith("on-failure")


@pytest.mark.parametrize("name", [name for name in NODES if name != COMMON])
def test_service_waits_for_the_key_it_does_not_make_and_for_its_servers(
    name: str, prepared: Path, tmp_path: Path
) -> None:
    waits = SERVICES[name]["depends_on"]
    assert waits[f"{owner(name)}-key"]["condition"] == "service_completed_successfully"
    assert SERVICES[f"{owner(name)}-key"]["volumes"] == SERVICES[name]["volumes"]
    servers = {target.host for target in targets(config_of(name, prepared, tmp_path)) if target.setting in SERVERS}
    assert servers <= {other for other, wanted in waits.items() if wanted["condition"] == "service_healthy"}


def test_nobody_waits_in_a_circle() -> None:
    waiting = {name: set(service.get("depends_on", {})) for name, service in SERVICES.items()}
    while waiting:
        started = {name for name, others in waiting.items() if not others & waiting.keys()}
        assert started, waiting
        waiting = {name: others for name, others in waiting.items() if name not in started}


def test_key_is_made_once_and_where_the_node_looks_for_it(tmp_path: Path) -> None:
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("one line\n")
    shell, option, script = SERVICES["acme-key"]["entrypoint"]
    program = Path(sys.executable).with_name("livecontract")
    script = script.replace("/run/secrets/passphrase", str(passphrase)).replace(
        "livecontract", shlex.quote(str(program))
    )
    for _ in range(2):
        subprocess.run([shell, option, script], cwd=tmp_path, check=True, capture_output=True)
        keys = [path.read_bytes() for path in (tmp_path / "keys").iterdir()]
        assert len(keys) == 1
    data = image_environment()["LIVECONTRACT_DATA"]
    config = configuration({"LIVECONTRACT_URL": "http://localhost:8080"}, tmp_path)
    assert config.key_place == Path(data) / "keys" / "system.json"
    assert of_runtime("WORKDIR")[0].text == data


# --- Two organisations ------------------------------------------------------------------------------------------------


def owner(name: str) -> str:
    return next((own for own in ORGANISATIONS if name.startswith(own)), COMMON)


def test_organisations_meet_over_what_they_publish() -> None:
    meeting = {name for name, service in SERVICES.items() if MEETING in service.get("networks", [])}
    assert meeting == {f"{own}-{part}" for own in ORGANISATIONS for part in ("web", "rabbitmq")}
    for name, service in SERVICES.items():
        networks = set(service.get("networks", [])) - {MEETING}
        assert networks <= ({owner(name)} if owner(name) in ORGANISATIONS else set(ORGANISATIONS))


def test_organisations_share_no_data_and_no_secret() -> None:
    for name, service in SERVICES.items():
        named = [item.partition(":")[0] for item in service.get("volumes", [])]
        named += [item["source"] for item in service.get("secrets", [])]
        assert {owner(item) for item in named} <= {owner(name)}


@pytest.mark.parametrize(("own", "peer"), [ORGANISATIONS, ORGANISATIONS[::-1]])
def test_peer_logs_in_at_the_broker_that_the_identity_names(
    own: str, peer: str, prepared: Path, tmp_path: Path
) -> None:
    ours = config_of(f"{own}-dispatcher", prepared, tmp_path)
    theirs = config_of(f"{peer}-dispatcher", prepared, tmp_path)
    (login,) = map(urlsplit, theirs.peers)
    assert f"{login.scheme}://{login.hostname}{login.path}" == ours.uri
    definitions = json.loads((prepared / "secrets" / f"{own}-definitions.json").read_text())
    accounts = {user["name"]: user for user in definitions["users"]}
    assert accounts[str(login.username)] == {"name": login.username, "password": login.password, "tags": ""}
    assert accounts["livecontract"]["password"] == ours.broker_password
    assert {item["vhost"] for item in definitions["permissions"]} == {ours.uri.rpartition("/")[2]}


def test_no_two_secrets_are_the_same_and_a_second_run_changes_none(prepared: Path) -> None:
    def contents() -> dict[str, str]:
        return {path.name: path.read_text() for path in (prepared / "secrets").iterdir()}

    before = contents()
    assert len(set(before.values())) == len(before)
    assert all(
        re.fullmatch("[0-9a-f]{48}", text) for name, text in before.items() if re.search("-(store|broker)", name)
    )
    assert (prepared / "secrets").stat().st_mode & 0o077 == 0
    (prepared / "secrets" / "beta-peers").unlink()
    prepare(prepared)
    assert contents() == before
