"""The manifests for Kubernetes as the cluster would get them, and who may talk to whom by their rules."""

import hashlib
import shutil
import subprocess
import venv
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from tests import needs
from tests.deploy.files import DEPLOY, ROOT, without_variables_of_ours

KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = ("development", "production")
COMPONENT = "app.kubernetes.io/component"
NAMESPACE_NAME = "kubernetes.io/metadata.name"

LOCK = ROOT / "requirements" / "deploy.lock"
CACHE = ROOT / ".cache"
INSTALL_SECONDS = 600

Manifest = Mapping[str, Any]


@cache
def rendered(folder: str) -> tuple[Manifest, ...]:
    """Return what `kubectl apply --kustomize` would send."""
    kubectl = needs.program("kubectl", "kubernetes-client")
    done = subprocess.run([kubectl, "kustomize", KUBERNETES / folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def overlay(name: str) -> tuple[Manifest, ...]:
    return rendered(f"overlays/{name}")


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> dict[str, Manifest]:
    """Return the manifests of these kinds by name."""
    found = [item for item in manifests if item["kind"] in kinds]
    return {item["metadata"]["name"]: item for item in found}


def workloads(manifests: tuple[Manifest, ...]) -> dict[str, Manifest]:
    return of_kind(manifests, "Deployment", "StatefulSet")


def pod_of(workload: Manifest) -> Manifest:
    return dict(workload["spec"]["template"]["spec"])


def labels_of(workload: Manifest) -> Mapping[str, str]:
    return dict(workload["spec"]["template"]["metadata"]["labels"])


def component_of(workload: Manifest) -> str:
    """Return which service of a node a workload runs, or the name of the server that it is."""
    return labels_of(workload).get(COMPONENT) or str(workload["metadata"]["name"])


def container_of(workload: Manifest) -> Manifest:
    (container,) = pod_of(workload)["containers"]
    return dict(container)


def environment_of_container(workload: Manifest, manifests: tuple[Manifest, ...]) -> dict[str, str]:
    """Return the variables of a workload's container, those of ConfigMaps included."""
    maps = of_kind(manifests, "ConfigMap")
    container = container_of(workload)
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        variables |= maps[source["configMapRef"]["name"]]["data"]
    return variables | {item["name"]: item["value"] for item in container["env"]}


def example_secrets() -> dict[str, dict[str, str]]:
    """Return name → key → value of the example Secrets."""
    documents = yaml.safe_load_all((KUBERNETES / "secret.example.yaml").read_text())
    return {item["metadata"]["name"]: item["stringData"] for item in documents}


def secrets_of(workload: Manifest, folder: Path) -> Path:
    """Write the files that a container finds in `/run/secrets`, from the example Secrets."""
    volumes = {item["name"]: item for item in pod_of(workload)["volumes"]}
    for mount in container_of(workload)["volumeMounts"]:
        if mount["mountPath"] == "/run/secrets":
            secret = volumes[mount["name"]]["secret"]
            for item in secret["items"]:
                (folder / item["path"]).write_text(example_secrets()[secret["secretName"]][item["key"]])
    return folder


# --- Network policies -------------------------------------------------------------------------------------------------


class Policies:
    """What the network policies of an overlay let through; what none of them names is closed."""

    def __init__(self, manifests: tuple[Manifest, ...]) -> None:
        self._policies = [item["spec"] for item in of_kind(manifests, "NetworkPolicy").values()]
        self._own = next(iter(of_kind(manifests, "Namespace")))

    def closes(self, labels: Mapping[str, str]) -> bool:
        """Whether a pod is closed in both directions but for rules."""
        kinds = {kind for spec in self._of(labels) for kind in spec["policyTypes"]}
        return kinds == {"Ingress", "Egress"}

    def allows(self, source: Mapping[str, str], target: Mapping[str, str], port: int) -> bool:
        """Whether a pod of this namespace may connect to another one of it."""
        out = any(self._names(peer, target) for peer in self._peers(source, "egress", "to", port))
        return out and any(self._names(peer, source) for peer in self._peers(target, "ingress", "from", port))

    def allows_to_namespace(self, source: Mapping[str, str], namespace: str, port: int) -> bool:
        """Whether a pod may connect to any pod of another namespace."""
        wanted = {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: namespace}}}
        return wanted in self._peers(source, "egress", "to", port)

    def outside(self, source: Mapping[str, str]) -> set[int]:
        """Return the ports of the world outside that a pod may connect to."""
        rules = [rule for spec in self._of(source) for rule in spec.get("egress", [])]
        open_rules = [rule for rule in rules if any("ipBlock" in peer for peer in rule.get("to", [{"ipBlock": {}}]))]
        return {item["port"] for rule in open_rules for item in rule["ports"]}

    def entrances(self) -> dict[str, list[Any]]:
        """Return who outside this namespace may connect, by component and port; an empty peer is everybody."""
        found: dict[str, list[Any]] = {}
        for spec in self._policies:
            for rule in spec.get("ingress", []):
                outer = [peer for peer in rule.get("from", [{}]) if "podSelector" not in peer]
                name = spec["podSelector"].get("matchLabels", {}).get(COMPONENT, "every")
                if outer:
                    found[f"{name}:{rule['ports'][0]['port']}"] = outer
        return found

    def _of(self, labels: Mapping[str, str]) -> list[Manifest]:
        return [spec for spec in self._policies if matches(spec["podSelector"], labels)]

    def _peers(self, labels: Mapping[str, str], word: str, key: str, port: int) -> list[Manifest]:
        rules = [rule for spec in self._of(labels) for rule in spec.get(word, [])]
        fitting = [rule for rule in rules if any(item["port"] == port for item in rule["ports"])]
        return [peer for rule in fitting for peer in rule.get(key, [{"podSelector": {}}])]

    def _names(self, peer: Manifest, labels: Mapping[str, str]) -> bool:
        if "ipBlock" in peer:
            return False
        own = {NAMESPACE_NAME: self._own}
        in_namespace = matches(peer["namespaceSelector"], own) if "namespaceSelector" in peer else True
        return in_namespace and matches(peer.get("podSelector", {}), labels)


def matches(selector: Manifest, labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses something with these labels."""
    for name, value in (selector.get("matchLabels") or {}).items():
        if labels.get(name) != value:
            return False
    for item in selector.get("matchExpressions") or []:
        assert item["operator"] == "In"
        if labels.get(item["key"]) not in item["values"]:
            return False
    return True


# --- Schemas ----------------------------------------------------------------------------------------------------------


@cache
def validator() -> Path:
    """Return the interpreter of an environment with the validator, made once for each lock file."""
    folder = CACHE / f"deploy-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    if not folder.exists():
        with needs.alone():
            _make_environment(folder)
    return folder / "bin" / "python"


def _make_environment(folder: Path) -> None:
    """Make it, unless another process did meanwhile, beside its place, and move it there whole."""
    if folder.exists():
        return
    draft = folder.with_name(f"{folder.name}-{uuid4().hex}")
    try:
        venv.create(draft, with_pip=True)
        command = [draft / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--no-input", "-q", "install"]
        done = subprocess.run(
            [*command, "--require-hashes", "-r", LOCK],
            env=without_variables_of_ours(),
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if done.returncode:
            needs.missing(f"the packages of {LOCK.name} cannot be installed: {done.stderr[-500:]}")
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def complaints(manifests: tuple[Manifest, ...], version: str, folder: Path) -> Iterator[str]:
    """Yield what does not fit the strict schemas of a version of Kubernetes, unknown members included."""
    file = folder / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests))
    command = [validator(), "-m", "kubernetes_validate", "--strict", "--kubernetes-version", version, file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    passed = [line for line in lines if " passed for resource " in line]
    yield from (line for line in lines if line not in passed)
    if len(passed) != len(manifests):
        yield f"{len(passed)} of {len(manifests)} manifests were checked"
