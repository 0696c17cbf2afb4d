"""The manifests for Kubernetes: valid, closed, and in agreement with the code and with each other."""

import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from livecontract import key_store
from livecontract.config import PREFIX, Config
from tests.deploy.files import (
    DEPLOY,
    ROLES,
    USER,
    check_open_path,
    configuration,
    image_environment,
    instructions,
    secrets_in,
    targets,
    tracked_files,
)
from tests.deploy.manifests import (
    COMPONENT,
    KUBERNETES,
    OVERLAYS,
    Manifest,
    Policies,
    complaints,
    component_of,
    container_of,
    environment_of_container,
    example_secrets,
    labels_of,
    matches,
    of_kind,
    overlay,
    pod_of,
    rendered,
    secrets_of,
    workloads,
)

SERVICES = ("anchor", "dispatcher", "eventchain", "web", "workflow")
DATA_NAMESPACE = "livecontract-data"
OLDEST, NEWEST = "1.25", "1.37"
"""The versions of Kubernetes whose schemas the manifests fit."""

PORT = int(image_environment()["LIVECONTRACT_PORT"])

each_overlay = pytest.mark.parametrize("name", OVERLAYS)
each_service = pytest.mark.parametrize("service", SERVICES)


def config_of(service: str, manifests: tuple[Manifest, ...], folder: Path) -> Config:
    workload = workloads(manifests)[service]
    return configuration(environment_of_container(workload, manifests), secrets_of(workload, folder))


# --- Form -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_manifests_fit_the_strict_schemas(version: str, tmp_path: Path) -> None:
    folders = ["base", *(f"overlays/{name}" for name in OVERLAYS)]
    manifests = tuple(manifest for folder in folders for manifest in rendered(folder))
    assert list(complaints(manifests, version, tmp_path)) == []


@pytest.mark.slow
def test_validator_sees_what_no_schema_knows(tmp_path: Path) -> None:
    wrong = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}, "automountServiceAcountToken": 1}
    assert list(complaints((wrong,), NEWEST, tmp_path)) != []


@pytest.mark.slow
def test_example_secrets_fit_the_strict_schemas(tmp_path: Path) -> None:
    documents = tuple(yaml.safe_load_all((KUBERNETES / "secret.example.yaml").read_text()))
    assert list(complaints(documents, NEWEST, tmp_path)) == []


def test_every_file_is_part_of_an_installation() -> None:
    named = set()
    for file in KUBERNETES.rglob("kustomization.yaml"):
        document = yaml.safe_load(file.read_text())
        listed = [*document.get("resources", []), *document.get("patchesStrategicMerge", [])]
        listed += [item for source in document.get("configMapGenerator", []) for item in source.get("files", [])]
        named |= {str((file.parent / item).relative_to(DEPLOY.parent)) for item in [*listed, "kustomization.yaml"]}
    files = {file for file in tracked_files() if file.startswith("deploy/kubernetes/")}
    assert files - named == {"deploy/kubernetes/README.md", "deploy/kubernetes/secret.example.yaml"}


@each_overlay
def test_every_part_of_a_node_has_its_own_manifests(name: str) -> None:
    manifests = overlay(name)
    for kind in ("Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget"):
        assert tuple(sorted(of_kind(manifests, kind))) == SERVICES
    assert set(SERVICES) <= of_kind(manifests, "Service").keys()
    (namespace,) = of_kind(manifests, "Namespace")
    assert {item["metadata"]["namespace"] for item in manifests if item["kind"] != "Namespace"} == {namespace}


def test_development_servers_are_set_up_as_those_of_compose() -> None:
    for file in ("rabbitmq.conf", "enabled_plugins", "mongodb-account.js"):
        ours = (KUBERNETES / "overlays" / "development" / file).read_text()
        assert ours == (DEPLOY / "compose" / file).read_text()
    images = {item["image"] for item in yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"].values()}
    for server in of_kind(overlay("development"), "StatefulSet").values():
        assert container_of(server)["image"] in images


# --- Agreement with the code ------------------------------------------------------------------------------------------


@each_overlay
@each_service
def test_node_accepts_the_environment_of_each_container(name: str, service: str, tmp_path: Path) -> None:
    manifests = overlay(name)
    config = config_of(service, manifests, tmp_path)
    assert config.service == service
    assert (config.passphrase, config.store_password) != (None, None)
    ports = {item["name"]: item["containerPort"] for item in container_of(workloads(manifests)[service])["ports"]}
    assert ports == {"http": config.port, "metrics": config.metrics_port}


@each_overlay
@each_service
def test_settings_come_from_variables_with_our_prefix_alone(name: str, service: str) -> None:
    manifests = overlay(name)
    assert all(key.startswith(PREFIX) for key in environment_of_container(workloads(manifests)[service], manifests))


@each_overlay
@each_service
def test_probes_ask_for_paths_that_answer_everybody(name: str, service: str) -> None:
    container = container_of(workloads(overlay(name))[service])
    asked = {}
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container[kind]["httpGet"]
        assert probe["port"] == "http"
        check_open_path(probe["path"])
        asked[kind] = probe["path"]
    assert asked["readinessProbe"] == "/readyz"
    assert asked["livenessProbe"] == "/healthz", "a broker that is away is no reason to start a node again"


@each_overlay
@each_service
def test_services_are_asked_at_the_url_they_expect_signatures_for(name: str, service: str, tmp_path: Path) -> None:
    manifests = overlay(name)
    config = config_of(service, manifests, tmp_path)
    for role in ROLES:
        url = getattr(config, role)
        if url and url != "embedded":
            other = config_of(role, manifests, tmp_path)
            assert (other.service, other.own_url) == (role, url)


@each_overlay
@each_service
def test_services_are_named_where_they_are(name: str, service: str, tmp_path: Path) -> None:
    manifests = overlay(name)
    services = of_kind(manifests, "Service")
    for setting, host, port in targets(config_of(service, manifests, tmp_path)):
        if host.endswith(f".{DATA_NAMESPACE}.svc"):
            assert setting in ("store", "broker", "broker_api")
        else:
            assert host in services, f"{setting} names {host}, which is no service"
            assert port in [item["port"] for item in services[host]["spec"]["ports"]]


@each_overlay
@each_service
def test_every_process_of_a_node_agrees_on_what_the_node_is(name: str, service: str, tmp_path: Path) -> None:
    config, web = (config_of(part, overlay(name), tmp_path) for part in (service, "web"))
    for setting in ("name", "network", "url", "node_uri", "store", "broker", "users", "operators"):
        assert getattr(config, setting) == getattr(web, setting)


@each_overlay
@each_service
def test_key_reaches_the_node_closed(name: str, service: str, tmp_path: Path) -> None:
    """Run what the init container runs, over a key that its group can read, as a mounted Secret is."""
    pod = pod_of(workloads(overlay(name))[service])
    (first,) = pod["initContainers"]
    mounted = tmp_path / "mounted"
    key = key_store.load_or_create(mounted / "system.json", None, lambda length: bytes(length))
    (mounted / "system.json").chmod(0o440)
    shell, option, script = first["command"]
    folder = tmp_path / "data"
    folder.mkdir(mode=0o777)
    script = script.replace("/run/key", str(mounted))
    for _ in range(2):  # a pod's init container may run again
        subprocess.run([shell, option, script], cwd=folder, check=True)
    config = config_of(service, overlay(name), tmp_path)
    place = folder / config.key_place.relative_to(first["workingDir"])
    assert key_store.load_or_create(place, None, lambda length: bytes(length)).public_key == key.public_key
    mounts = {item["mountPath"]: item["name"] for item in first["volumeMounts"]}
    assert mounts[first["workingDir"]] == "data"
    assert {"name": "data", "mountPath": str(config.data)} in container_of(workloads(overlay(name))[service])[
        "volumeMounts"
    ]


# --- Secrets ----------------------------------------------------------------------------------------------------------


@each_overlay
@each_service
def test_service_has_the_passwords_it_needs_and_no_other(name: str, service: str, tmp_path: Path) -> None:
    config = config_of(service, overlay(name), tmp_path)
    needed = {target.setting for target in targets(config)} & {"store", "broker"}
    held = {setting for setting in ("store", "broker") if getattr(config, f"{setting}_password")}
    assert held == needed
    assert bool(config.peers) == ("broker" in needed)
    assert len(list(tmp_path.iterdir())) == len(held) + 1 + bool(config.peers)


@each_overlay
def test_every_secret_that_is_mounted_has_an_example(name: str) -> None:
    used: dict[str, set[str]] = {}
    for workload in workloads(overlay(name)).values():
        for volume in pod_of(workload).get("volumes", []):
            sources = [item["secret"] for item in volume.get("projected", {}).get("sources", [])]
            for secret in [volume["secret"]] if "secret" in volume else sources:
                place = secret.get("secretName") or secret.get("name")
                used.setdefault(place, set()).update(item["key"] for item in secret["items"])
    examples = {place: set(values) for place, values in example_secrets().items() if place in used}
    assert used == examples


def test_example_secrets_are_clearly_examples() -> None:
    values = [value for keys in example_secrets().values() for value in keys.values()]
    assert all("example" in value for value in values)


@each_overlay
def test_manifests_hold_no_secret(name: str) -> None:
    assert of_kind(overlay(name), "Secret") == {}
    assert secrets_in(yaml.safe_dump(item) for item in overlay(name)) == []


# --- Rights -----------------------------------------------------------------------------------------------------------


def every_container(workload: Manifest) -> list[Any]:
    pod = pod_of(workload)
    return [*pod.get("initContainers", []), *pod["containers"]]


@each_overlay
def test_pods_have_no_rights_they_do_not_need(name: str) -> None:
    manifests = overlay(name)
    for workload in workloads(manifests).values():
        pod = pod_of(workload)
        context = pod["securityContext"]
        user = USER if workload["kind"] == "Deployment" else 999
        assert (context["runAsNonRoot"], context["runAsUser"], context["runAsGroup"]) == (True, user, user)
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        assert not any("hostPath" in volume for volume in pod["volumes"])
        assert pod["enableServiceLinks"] is False
        assert pod["automountServiceAccountToken"] is False
        assert of_kind(manifests, "ServiceAccount")[pod["serviceAccountName"]]["automountServiceAccountToken"] is False
        for container in every_container(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
    assert not of_kind(manifests, "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")
    (namespace,) = of_kind(manifests, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@each_overlay
def test_containers_say_what_they_need_and_may_take(name: str) -> None:
    for workload in workloads(overlay(name)).values():
        for container in every_container(workload):
            for kind in ("requests", "limits"):
                assert container["resources"][kind].keys() == {"cpu", "memory"}
        for volume in pod_of(workload)["volumes"]:
            assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"]


# --- Copies -----------------------------------------------------------------------------------------------------------


@each_overlay
@each_service
def test_service_scales_by_itself(name: str, service: str) -> None:
    manifests = overlay(name)
    scaler = of_kind(manifests, "HorizontalPodAutoscaler")[service]
    assert scaler["apiVersion"] == "autoscaling/v2"
    assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": service}
    assert scaler["spec"]["minReplicas"] <= scaler["spec"]["maxReplicas"]
    assert name == "development" or scaler["spec"]["minReplicas"] >= 2
    assert "replicas" not in workloads(manifests)[service]["spec"], "every rollout would undo the autoscaler's work"


@each_overlay
@each_service
def test_selectors_choose_the_pods_of_their_service_alone(name: str, service: str) -> None:
    manifests = overlay(name)
    budget = of_kind(manifests, "PodDisruptionBudget")[service]["spec"]
    assert budget["maxUnavailable"] == 1, "a drained machine waits for ever where nothing may be unavailable"
    door = of_kind(manifests, "Service")[service]["spec"]
    spread = pod_of(workloads(manifests)[service])["topologySpreadConstraints"]
    selectors = [budget["selector"], {"matchLabels": door["selector"]}, *(item["labelSelector"] for item in spread)]
    selectors.append(workloads(manifests)[service]["spec"]["selector"])
    for selector in selectors:
        chosen = [item for item, other in workloads(manifests).items() if matches(selector, labels_of(other))]
        assert chosen == [service]
    assert {item["topologyKey"] for item in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert [(item["port"], item["targetPort"]) for item in door["ports"]] == [(PORT, "http")]


@each_overlay
def test_images_have_the_version_of_the_project(name: str) -> None:
    version = re.search(r'image\.version="([^"]+)"', "".join(item.text for item in instructions()))
    assert version
    for workload in of_kind(overlay(name), "Deployment").values():
        images = {container["image"] for container in every_container(workload)}
        assert {image.rpartition(":")[2] for image in images} == {version[1]}


# --- Who talks to whom ------------------------------------------------------------------------------------------------


def asked(manifests: tuple[Manifest, ...], folder: Path) -> set[tuple[str, str, int]]:
    """Return (who, whom, port) as the settings of the services say."""
    return {
        (service, host, port)
        for service in SERVICES
        for _, host, port in targets(config_of(service, manifests, folder))
    }


def test_policies_of_development_allow_what_services_ask_and_nothing_else(tmp_path: Path) -> None:
    manifests = overlay("development")
    policies = Policies(manifests)
    pods = {component_of(workload): labels_of(workload) for workload in workloads(manifests).values()}
    wanted = asked(manifests, tmp_path)
    ports = {port for _, _, port in wanted}
    allowed = {
        (source, target, port)
        for source in pods
        for target in pods
        for port in ports
        if policies.allows(pods[source], pods[target], port)
    }
    assert allowed == wanted


def test_policies_of_production_allow_what_services_ask_and_nothing_else(tmp_path: Path) -> None:
    manifests = overlay("production")
    policies = Policies(manifests)
    pods = {component_of(workload): labels_of(workload) for workload in workloads(manifests).values()}
    wanted = {
        (source, DATA_NAMESPACE if host.endswith(f".{DATA_NAMESPACE}.svc") else host, port)
        for source, host, port in asked(manifests, tmp_path)
    }
    allowed = {
        (source, target, port)
        for source in pods
        for target in pods
        for port in {port for _, _, port in wanted}
        if policies.allows(pods[source], pods[target], port)
    }
    allowed |= {
        (source, DATA_NAMESPACE, port)
        for source in pods
        for port in {port for _, _, port in wanted}
        if policies.allows_to_namespace(pods[source], DATA_NAMESPACE, port)
    }
    assert allowed == wanted


@each_overlay
def test_pods_are_closed_unless_a_rule_opens_them(name: str) -> None:
    policies = Policies(overlay(name))
    assert all(policies.closes(labels_of(workload)) for workload in workloads(overlay(name)).values())


@each_overlay
def test_only_what_relays_acts_and_mails_reaches_the_world_outside(name: str, tmp_path: Path) -> None:
    manifests = overlay(name)
    policies = Policies(manifests)
    out = {service: policies.outside(labels_of(workload)) for service, workload in workloads(manifests).items()}
    mail = config_of("dispatcher", manifests, tmp_path)
    mails = {mail.mail_port} if mail.mail == "smtp" else set()
    assert {service: ports for service, ports in out.items() if ports} == {
        "workflow": {443},
        "dispatcher": {443, 5671} | mails,
    }


@each_overlay
def test_others_come_in_at_the_web_server_and_to_read_metrics(name: str, tmp_path: Path) -> None:
    metrics = config_of("web", overlay(name), tmp_path).metrics_port
    assert set(Policies(overlay(name)).entrances()) == {f"web:{PORT}", f"every:{metrics}"}


def test_ingress_leads_to_the_web_server_at_its_url(tmp_path: Path) -> None:
    manifests = overlay("production")
    config = config_of("web", manifests, tmp_path)
    (ingress,) = of_kind(manifests, "Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    parts = urlsplit(config.public_url)
    assert (parts.scheme, parts.hostname, parts.path) == ("https", rule["host"], "")
    assert [item["hosts"] for item in ingress["spec"]["tls"]] == [[rule["host"]]]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": "web", "port": {"name": "http"}}
    assert config.trusted_proxies == 1
    size = ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert int(size.removesuffix("m")) * 1024 * 1024 >= config.max_request_bytes


def test_production_is_encrypted_on_every_way_out_of_its_namespace(tmp_path: Path) -> None:
    for service in SERVICES:
        config = config_of(service, overlay("production"), tmp_path)
        assert "tls=true" in config.store
        assert config.broker.startswith("amqps://")
        assert (config.broker_api or "https://").startswith("https://")
        assert (config.node_uri or "amqps://").startswith("amqps://")


def test_components_are_named_by_their_labels() -> None:
    for name, workload in of_kind(overlay("production"), "Deployment").items():
        assert labels_of(workload)[COMPONENT] == name
