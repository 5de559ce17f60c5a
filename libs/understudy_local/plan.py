"""What a local stack consists of: the parts and their settings, as data, from a directory and a plan of ports."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from understudy_local import readiness
from understudy_local.data_directory import Credentials, DataDirectory, write_json
from understudy_local.errors import ProgramMissing
from understudy_local.part import Part, always
from understudy_local.ports import HOST, Ports

SERVICES: Final = ("ingest", "controller", "egress", "harvester")
OBJECT_BUCKET: Final = "media"

_SERVICE_DRAIN_SECONDS: Final = 7.0
_SERVICE_STOP_SECONDS: Final = 9.0
_STORE_STOP_SECONDS: Final = 7.0


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the stack answers."""

    api_url: str
    ingest_url: str
    egress_url: str
    nats_url: str
    s3_url: str
    harvester_url: str
    """Of its health and metrics; it has nothing else to say over HTTP."""

    @classmethod
    def at(cls, ports: Ports) -> Urls:
        """The URLs of a plan of ports."""
        return cls(
            api_url=f"http://{HOST}:{ports.controller}",
            ingest_url=f"http://{HOST}:{ports.ingest}",
            egress_url=f"http://{HOST}:{ports.egress}",
            nats_url=f"nats://{HOST}:{ports.nats}",
            s3_url=f"http://{HOST}:{ports.s3}",
            harvester_url=f"http://{HOST}:{ports.harvester}",
        )


def stores(directory: DataDirectory, ports: Ports, credentials: Credentials) -> list[Part]:
    """The NATS server and the S3 server."""
    return [_nats(directory, ports), _s3(directory, ports, credentials)]


def services(
    directory: DataDirectory,
    ports: Ports,
    credentials: Credentials,
    *,
    listening: Mapping[str, int],
    access_keys: Path | None = None,
) -> list[Part]:
    """The four services.

    Args:
        directory: the stack's.
        ports: where everything listens.
        credentials: of the S3 server.
        listening: file descriptors of the inherited listening sockets, by service.
        access_keys: a file with the keys that the control API's requests must be signed with. None: they need no
            signature, since only this machine can reach it.
    """
    signed = {"UNDERSTUDY_AUTHENTICATION": "none"}
    if access_keys is not None:
        signed = {"UNDERSTUDY_AUTHENTICATION": "sigv4", "UNDERSTUDY_ACCESS_KEYS_FILE": str(access_keys)}
    urls = Urls.at(ports)
    common = {
        "UNDERSTUDY_NATS_URL": urls.nats_url,
        "UNDERSTUDY_S3_ENDPOINT_URL": urls.s3_url,
        "UNDERSTUDY_S3_BUCKET": OBJECT_BUCKET,
        "UNDERSTUDY_S3_REGION": credentials.region,
        "UNDERSTUDY_S3_ACCESS_KEY_ID": credentials.access_key_id,
        "UNDERSTUDY_S3_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "UNDERSTUDY_INGEST_PUBLIC_URL": urls.ingest_url,
        "UNDERSTUDY_EGRESS_PUBLIC_URL": urls.egress_url,
        **signed,
        **_named_file("UNDERSTUDY_DECLARED_FILE"),
        **_named_file("UNDERSTUDY_WEBHOOKS_FILE"),
        "UNDERSTUDY_DRAIN_SECONDS": str(_SERVICE_DRAIN_SECONDS),
        "UNDERSTUDY_LOG_FORMAT": os.environ.get("UNDERSTUDY_LOG_FORMAT", "text"),
        "PYTHONUNBUFFERED": "1",
    }
    return [
        Part(
            name=name,
            # -P: a file that lies about in the working directory is no module of ours
            command=always(sys.executable, "-P", "-m", f"understudy_{name}"),
            log=directory.log(name),
            environment={
                **common,
                "UNDERSTUDY_LISTEN_FD": str(listening[name]),
                "UNDERSTUDY_ACCESS_LOG": str(directory.access_log(name)),
            },
            directory=directory.path,
            inherited=(listening[name],),
            is_ready=readiness.http_says_ok(HOST, getattr(ports, name), "/readyz"),
            stop_seconds=_SERVICE_STOP_SECONDS,
        )
        for name in SERVICES
    ]


def _named_file(setting: str) -> dict[str, str]:
    """A path is relative to where the command was given, not to the directory that services work in."""
    named = os.environ.get(setting)
    return {setting: str(Path(named).absolute())} if named else {}


def _nats(directory: DataDirectory, ports: Ports) -> Part:
    return Part(
        name="nats",
        command=always(
            _program("nats-server"),
            *("--addr", HOST, "--port", str(ports.nats)),
            *("--jetstream", "--store_dir", str(directory.nats)),
            *("--server_name", "local"),
        ),
        log=directory.log("nats"),
        is_ready=readiness.nats_greets(HOST, ports.nats),
        stop_seconds=_STORE_STOP_SECONDS,
    )


def _s3(directory: DataDirectory, ports: Ports, credentials: Credentials) -> Part:
    identities = directory.s3 / "identities.json"
    _write_identities(identities, credentials)
    # It logs much, also about helpers of its own that it cannot find: into files that it bounds, errors to us too.
    logging = {
        "logdir": "log",
        "alsologtostderr": "false",
        "stderrthreshold": "ERROR",
        "log_max_size_mb": 8,
        "log_max_files": 2,
    }
    flags = {
        "dir": "data",
        "ip": HOST,
        "ip.bind": HOST,
        "bucket": OBJECT_BUCKET,
        "webdav": "false",
        "admin.ui": "false",
        "admin.port": ports.s3_admin,
        "admin.port.grpc": ports.s3_admin_grpc,
        "filer.port": ports.s3_filer,
        "filer.port.grpc": ports.s3_filer_grpc,
        "filer.localSocket": "filer.sock",
        "master.port": ports.s3_master,
        "master.port.grpc": ports.s3_master_grpc,
        "master.telemetry": "false",
        "s3.config": identities.name,
        "s3.localSocket": "s3.sock",
        "s3.port": ports.s3,
        "s3.port.grpc": ports.s3_grpc,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "volume.port": ports.s3_volume,
        "volume.port.grpc": ports.s3_volume_grpc,
        "volume.preStopSeconds": 0,
    }
    return Part(
        name="s3",
        command=always(_program("weed"), *_as_flags(logging), "mini", *_as_flags(flags)),
        log=directory.log("s3"),
        # Its paths are relative to this folder: a socket's path must be short, that of a data directory may be long.
        directory=directory.s3,
        is_ready=readiness.http_says_ok(HOST, ports.s3, "/healthz"),
        stop_seconds=_STORE_STOP_SECONDS,
    )


def _as_flags(flags: Mapping[str, object]) -> list[str]:
    return [f"-{name}={value}" for name, value in flags.items()]


def _write_identities(path: Path, credentials: Credentials) -> None:
    identity = {
        "name": "understudy",
        "credentials": [{"accessKey": credentials.access_key_id, "secretKey": credentials.secret_access_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    write_json(path, {"identities": [identity]})


def _program(name: str) -> str:
    path = Path(sysconfig.get_path("scripts")) / name
    if not path.exists():
        raise ProgramMissing(f"{name} is not in {path.parent}: run `make install` once more.")
    return str(path)
