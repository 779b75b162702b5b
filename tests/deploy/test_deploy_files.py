"""What a hospital installs with names only what is there: settings, commands, queues, metrics, ports."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose
from pydantic import BaseModel

from node.celery_app import QUEUES
from node.parts import NodeRole
from node.process.implementation import SOFTWARE_VERSION
from node.settings import Settings, load
from node.telemetry.forwarding import Forwarding
from node.telemetry.machine import Machine
from node.telemetry.metrics import exposition, measure
from node.telemetry.stock import Stock

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
DOCS = DEPLOY.parent / "docs" / "observability.md"
FILES = [
    path
    for path in DEPLOY.rglob("*")
    if path.suffix in (".yaml", ".yml", ".service") or path.name in ("Dockerfile", "Procfile")
]
ROOTS = {"CXR_CONFIG"}
"""Variables that are no settings."""


def run(*command: str | Path) -> str:
    """Run a checker, which skips where it is not installed, and return what it said."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=DEPLOY)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


COLLECTORS = (Stock, Machine, Forwarding)


def metrics_there() -> set[str]:
    """Every metric of a process, by the names that a query uses."""
    metrics = measure()
    families = [*metrics.registry.collect(), *(each for kind in COLLECTORS for each in kind.describe(None))]  # type: ignore[arg-type]
    names = {family.name for family in families if family.name.startswith("cxr_")}
    assert names
    assert b"cxr_stores" in exposition(metrics)
    return names


def metrics_named(text: str) -> set[str]:
    """The metrics that a text names, without a counter's or a histogram's endings."""
    return {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in re.findall(r"\bcxr_[a-z0-9_]+", text)}


def is_setting(variable: str) -> bool:
    """Whether a CXR_ variable leads to a field of the settings."""
    section: Any = Settings
    for part in variable.removeprefix("CXR_").lower().split("__"):
        if part not in section.model_fields:
            return False
        section = section.model_fields[part].annotation
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            section = BaseModel
    return True


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_file_names_only_settings_roles_and_queues_that_are(path: Path):
    """A variable, a role or a queue that is not there would be found at a hospital."""
    text = path.read_text("utf-8")
    words = re.sub(r'[\[\],"]', " ", text)

    variables = set(re.findall(r"\bCXR_[A-Z0-9_]+", text)) - ROOTS
    roles = set(re.findall(r"--role\s+([a-z0-9]+)", words)) | set(re.findall(r"cxr-role@([a-z0-9]+)", words))
    queues = set(re.findall(r"-Q\s+([a-z]+)", words)) | set(re.findall(r"cxr-worker@([a-z]+)", words))

    assert [name for name in variables if not is_setting(name)] == []
    assert roles <= {role.value for role in NodeRole}
    assert queues <= set(QUEUES.values())


@pytest.mark.parametrize("name", ["node.compose.toml", "kubernetes/node.toml"])
def test_settings_file_loads(name: str):
    """The files that the containers get are settings."""
    assert load(DEPLOY / name).dicom.port == 11112


def test_yaml_is_clean():
    """yamllint finds nothing."""
    run(sys.executable, "-m", "yamllint", "-c", "yamllint.yaml", ".")


def composed() -> dict[str, Any]:
    """compose.yaml, its anchors resolved."""
    text = (DEPLOY / "compose.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text))


def test_compose_is_what_its_specification_says():
    """No key that Compose does not know, no network or secret that is missing; and nothing that a linter calls bad."""
    PyCompose.from_json(json.dumps(composed())).validate()

    run(sys.executable, "-m", "compose_lint", "compose.yaml")


def test_compose_mounts_what_is_there():
    """Docker makes a folder where a mounted file is missing, and what wanted the file fails in its own way."""
    volumes = [each for service in composed()["services"].values() for each in service.get("volumes", [])]

    mounted = [volume.partition(":")[0] for volume in volumes if volume.startswith("./")]

    assert mounted
    assert [path for path in mounted if not (DEPLOY / path).exists()] == []


def test_every_image_has_a_version():
    """What is pulled next year is what was chosen this year; our own images are of this version."""
    manifests = yaml.safe_load_all(run("kubectl", "kustomize", "kubernetes"))
    pods = [each["spec"]["template"]["spec"] for each in manifests if each["kind"] == "Deployment"]
    images = {container["image"] for pod in pods for container in pod["containers"]}
    images |= {service["image"] for service in composed()["services"].values()}

    tags = dict(image.rsplit(":", 1) for image in images)
    assert len(tags) == len(images)
    assert {tag for name, tag in tags.items() if name.startswith("cxr-node")} == {SOFTWARE_VERSION}
    assert "latest" not in tags.values()


def test_grafana_finds_its_dashboard_and_prometheus():
    """Who opens Grafana for the first time sees the node."""
    services, provisioning = composed()["services"], DEPLOY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "cxr-node.yaml").read_text())["providers"]

    host = source["url"].removeprefix("http://").partition(":")[0]
    mounted = [volume.split(":")[1] for volume in services["grafana"]["volumes"]]
    assert set(services[host]["networks"]) & set(services["grafana"]["networks"])
    assert "/etc/grafana/provisioning" in mounted
    assert [path for path in mounted if path.startswith(provider["options"]["path"]) and path.endswith(".json")]


def test_nginx_understands_how_the_viewer_is_served():
    """OHIF's pages and Orthanc's DICOMweb, in the words of nginx."""
    run(shutil.which("nginx") or "/usr/sbin/nginx", "-t", "-c", DEPLOY / "ohif" / "nginx.conf")


def test_dockerfile_is_clean():
    """hadolint finds nothing."""
    run(Path(sys.executable).with_name("hadolint"), "Dockerfile")


def test_kubernetes_takes_the_manifests():
    """kustomize puts them together, and each is what Kubernetes' schema says; KEDA's is its own."""
    objects = list(yaml.safe_load_all(run("kubectl", "kustomize", "kubernetes")))

    for each in objects:
        if not each["apiVersion"].startswith("keda"):
            kubernetes_validate.validate(each, "1.30", strict=True)
    assert {each["kind"] for each in objects} >= {"Deployment", "NetworkPolicy", "PodDisruptionBudget", "ScaledObject"}


def test_units_are_hardened(tmp_path: Path):
    """systemd takes each unit, and calls none of them exposed."""
    for unit in (DEPLOY / "systemd").glob("*.service"):
        score = run("systemd-analyze", "security", "--offline=true", unit)
        said = re.search(r"exposure level for \S+: ([\d.]+)", score)

        assert said
        print(unit.name, said[1])
        assert float(said[1]) < 3


def test_systemd_understands_the_units(tmp_path: Path):
    """No unit has a key or value that systemd does not know; the programs stand where the units say."""
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text().replace("/opt/cxr/bin/", "/bin/true ")
        copy = tmp_path / unit.name.replace("@.", "@scp.")
        copy.write_text(text)
        run("systemd-analyze", "verify", "--man=no", copy)


def test_alerts_hold_and_fire():
    """promtool takes the rules, and each fires when its time has come."""
    run("promtool", "check", "rules", "prometheus/alerts.yml")
    run("promtool", "check", "config", "prometheus/prometheus.yml")
    assert "SUCCESS" in run("promtool", "test", "rules", "prometheus/alerts_test.yml")


@pytest.mark.parametrize("name", ["prometheus/alerts.yml", "grafana/cxr-node.json", "kubernetes/scaling.yaml"])
def test_every_metric_that_is_asked_for_exists(name: str):
    """No alert and no panel waits for a metric that nobody has."""
    text = (DEPLOY / name).read_text("utf-8")
    if name.endswith("json"):
        text = " ".join(each["expr"] for panel in json.loads(text)["panels"] for each in panel["targets"])

    assert metrics_named(text) <= metrics_there()


def test_metrics_and_alerts_are_documented():
    """The page has every metric, every alert, and no other."""
    page = DOCS.read_text("utf-8")
    alerts = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]

    assert metrics_named(page) == metrics_there()
    assert set(re.findall(r"`(Cxr\w+)`", page)) == {rule["alert"] for rule in alerts}
