"""`steno models generate-k8s` writes what Kubernetes takes, and every name in it fits the others.

KUBERNETES_VALIDATE names the command `kubernetes-validate`, which has the schemas of Kubernetes itself.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from steno.cli.root import steno as command_line
from steno.cli.session import Session
from steno_serving import images, kubernetes

VALIDATE = os.environ.get("KUBERNETES_VALIDATE", "")
VERSIONS = ("1.27", "1.32", "1.37")


def written(*words: str, status: int = 0) -> str:
    found = CliRunner().invoke(command_line, ["models", "generate-k8s", *words], obj=Session())
    assert found.exit_code == status, found.output
    return found.output


def manifests(*words: str) -> list[dict[str, Any]]:
    text = written(*words)
    assert "&id" not in text
    return list(yaml.safe_load_all(text))


def test_a_deployment_and_its_service_belong_together(linear: Path) -> None:
    words = ("-m", str(linear), "--image", "here/model:1", "--name", "sums", "--replicas", "3", "--namespace", "prod")
    deployment, service = manifests(*words)
    assert (deployment["apiVersion"], deployment["kind"]) == ("apps/v1", "Deployment")
    assert (service["apiVersion"], service["kind"]) == ("v1", "Service")
    for each in (deployment, service):
        assert (each["metadata"]["name"], each["metadata"]["namespace"]) == ("sums", "prod")
    pod = deployment["spec"]["template"]
    assert deployment["spec"]["replicas"] == 3
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == pod["metadata"]["labels"]
    (container,) = pod["spec"]["containers"]
    (port,) = container["ports"]
    assert service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": port["name"]}]
    assert (container["image"], port["containerPort"]) == ("here/model:1", images.PORT)
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        assert container[probe]["httpGet"] == {"path": "/ping", "port": images.PORT}
    assert container["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["runAsUser"] == images.USER_ID > 0
    assert container["resources"]["requests"] == {"cpu": "500m", "memory": "1024Mi"}
    assert pod["spec"]["terminationGracePeriodSeconds"] > 60


def test_kserve_runs_the_same_container_by_the_v2_protocol(linear: Path) -> None:
    (service,) = manifests("-m", str(linear), "--image", "here/model:1", "--name", "sums", "--kserve")
    assert (service["apiVersion"], service["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    (container,) = service["spec"]["predictor"]["containers"]
    assert container["name"] == "kserve-container"
    assert {"name": "PROTOCOL", "value": "v2"} in container["env"]
    assert container["args"] == ["serve", "--name", "sums"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/models/sums/ready"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--image", "x", "--name", "Not_ok"), "'Not_ok' is no name in Kubernetes"),
        (("--image", "x", "--memory", "much"), "'much' is no amount"),
        (("--image", "x y"), "'x y' is no name of an image"),
        (("--image", "x", "--namespace", "a/b"), "'a/b' is no name in Kubernetes"),
    ],
)
def test_what_kubernetes_would_refuse_is_said_in_a_sentence(linear: Path, words: tuple[str, ...], said: str) -> None:
    found = written("-m", str(linear), *words, status=1)
    assert found.startswith("Error: ")
    assert said in found
    assert found.count("\n") == 1


@given(st.text())
def test_any_models_name_becomes_a_name_in_kubernetes(name: str) -> None:
    found = kubernetes.named(name)
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", found)
    assert len(found) <= 63
    assert yaml.safe_load(kubernetes.inference_service(kubernetes.Service(found, "x", name)))


@pytest.mark.skipif(not VALIDATE, reason="KUBERNETES_VALIDATE does not name the command kubernetes-validate")
@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_of_kubernetes_agree(linear: Path, tmp_path: Path, version: str) -> None:
    written("-m", str(linear), "--image", "here/model:1", "--namespace", "prod", "-o", str(tmp_path / "k.yaml"))
    command = [VALIDATE, "--strict", "-k", version, str(tmp_path / "k.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("passed") == 2
