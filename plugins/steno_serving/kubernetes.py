"""What Kubernetes is told of a served model: a Deployment with a Service, or KServe's InferenceService.

Source of the formats: https://kubernetes.io/docs/reference/kubernetes-api/ and https://kserve.github.io/website/
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct
from steno.errors import InvalidValue
from steno.models.manifest import dump_yaml

from steno_serving.images import PORT, USER_ID

MOST = 63
"""How long the name of a Service may be."""
STOP_S = 75
"""How long a pod has at its end: what is in flight may take the 60 seconds that a prediction has."""
_QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")


class Service(Struct, frozen=True):
    """What is to run.

    Attributes:
        name: Of all the objects, and what V2 clients call the model.
        image: The image, as a registry names it.
        model_uri: What is in it, told in an annotation.
        replicas: How many pods.
        cpu, memory: What each asks for; of memory it may take no more.
        port: Of the Service.
        namespace: Where; "" for the one that is current.
    """

    name: str
    image: str
    model_uri: str = ""
    replicas: int = 1
    cpu: str = "500m"
    memory: str = "1Gi"
    port: int = 80
    namespace: str = ""

    def __post_init__(self) -> None:
        for name in filter(None, (self.name, self.namespace)):
            if not _NAME.fullmatch(name) or len(name) > MOST:
                raise InvalidValue(f"{name!r} is no name in Kubernetes: letters a to z, digits and -, {MOST} at most")
        for quantity in (self.cpu, self.memory):
            if not _QUANTITY.fullmatch(quantity):
                raise InvalidValue(f"{quantity!r} is no amount in Kubernetes, as 500m or 1Gi")
        if not _IMAGE.fullmatch(self.image):
            raise InvalidValue(f"{self.image!r} is no name of an image, as registry.example/team/model:1")


def named(text: str) -> str:
    """Return what an object in Kubernetes is called that stands for something of another name."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return (name if name[:1].isalpha() else f"model-{name}")[:MOST].rstrip("-")


def deployment(service: Service) -> str:
    """Return the YAML of a Deployment and its Service."""
    container = {
        **_container(service, "model", "/ping"),
        "startupProbe": _probe("/ping", periodSeconds=2, failureThreshold=150),
        "livenessProbe": _probe("/ping", periodSeconds=10, timeoutSeconds=5),
        # A pod that is to end is still sent requests for a moment.
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
    }
    pod = {
        "metadata": {"labels": _selected(service), "annotations": _told(service)},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": STOP_S,
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
        },
    }
    found = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": _metadata(service),
            "spec": {"replicas": service.replicas, "selector": {"matchLabels": _selected(service)}, "template": pod},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(service),
            "spec": {
                "selector": _selected(service),
                "ports": [{"name": "http", "port": service.port, "targetPort": "http"}],
            },
        },
    ]
    return "---\n".join(dump_yaml(each, sort_keys=False) for each in found)


def inference_service(service: Service) -> str:
    """Return the YAML of KServe's InferenceService, which speaks the Open Inference Protocol."""
    # KServe takes the container of this name for the predictor, and reads its protocol from this variable.
    container = {
        **_container(service, "kserve-container", f"/v2/models/{service.name}/ready"),
        "env": [{"name": "PROTOCOL", "value": "v2"}],
    }
    return dump_yaml(
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {**_metadata(service), "annotations": _told(service)},
            "spec": {"predictor": {"minReplicas": service.replicas, "containers": [container]}},
        },
        sort_keys=False,
    )


def _container(service: Service, name: str, ready: str) -> dict[str, Any]:
    amounts = {"cpu": service.cpu, "memory": service.memory}
    return {
        "name": name,
        "image": service.image,
        "args": ["serve", "--name", service.name],
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": _probe(ready, periodSeconds=5, timeoutSeconds=5),
        "resources": {"requests": amounts, "limits": {"memory": service.memory}},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _probe(path: str, **times: int) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": PORT}, **times}


def _metadata(service: Service) -> dict[str, Any]:
    labels = {**_selected(service), "app.kubernetes.io/component": "model"}
    where = {"namespace": service.namespace} if service.namespace else {}
    return {"name": service.name, **where, "labels": labels}


def _selected(service: Service) -> dict[str, str]:
    return {"app.kubernetes.io/name": service.name}


def _told(service: Service) -> dict[str, str]:
    return {"steno/model-uri": service.model_uri} if service.model_uri else {}
