"""As much of a Kubernetes API server as Helm's ``lookup`` asks: discovery, and objects by name out of a list.

It is no cluster: nothing is installed, admitted or changed. What it holds is what a release would have left behind.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from typing_extensions import override

Object = dict[str, Any]

_PLURALS: Final = {
    "ConfigMap": "configmaps",
    "Deployment": "deployments",
    "Secret": "secrets",
    "Service": "services",
    "StatefulSet": "statefulsets",
}


class _Answers:
    """What is answered at each path."""

    def __init__(self, objects: tuple[Object, ...], namespace: str) -> None:
        kinds = {(one["apiVersion"], one["kind"]) for one in objects if one["kind"] in _PLURALS}
        kinds |= {("v1", "Secret"), ("v1", "ConfigMap"), ("apps/v1", "Deployment")}
        self._paths: dict[str, Object] = {
            "/version": {"major": "1", "minor": "37", "gitVersion": "v1.37.0"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in _groups(kinds)]},
        }
        for version in {version for version, _ in kinds}:
            named = [kind for other, kind in kinds if other == version]
            self._paths[_root(version)] = {
                "kind": "APIResourceList",
                "groupVersion": version,
                "resources": [_resource(kind) for kind in named],
            }
        for one in objects:
            if one["kind"] in _PLURALS:
                kind, name = _PLURALS[one["kind"]], one["metadata"]["name"]
                self._paths[f"{_root(one['apiVersion'])}/namespaces/{namespace}/{kind}/{name}"] = one

    def at(self, path: str) -> tuple[int, Object]:
        """Status and body."""
        found = self._paths.get(path.partition("?")[0])
        if found is not None:
            return 200, found
        return 404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _groups(kinds: set[tuple[str, str]]) -> list[str]:
    return sorted({version for version, _ in kinds if "/" in version})


def _group(version: str) -> Object:
    preferred = {"groupVersion": version, "version": version.partition("/")[2]}
    return {"name": version.partition("/")[0], "versions": [preferred], "preferredVersion": preferred}


def _resource(kind: str) -> Object:
    return {"name": _PLURALS[kind], "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": ["get"]}


@contextlib.contextmanager
def holding(objects: tuple[Object, ...], *, namespace: str) -> Iterator[str]:
    """A server that holds these objects in a namespace, as the text of a kubeconfig that leads to it."""
    answers = _Answers(objects, namespace)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.at(self.path)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield _kubeconfig(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _kubeconfig(url: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
            "clusters": [{"name": "here", "cluster": {"server": url}}],
            "users": [{"name": "here", "user": {}}],
        }
    )
