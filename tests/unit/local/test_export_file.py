"""The file for bug reports holds no password, present or former, and nothing that could be tried against one."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from understudy_domain.channel import Channel, FormerCredentials, IngestEndpoint
from understudy_local.export_file import Export, write_export


def test_an_export_holds_no_password_of_any_time(tmp_path: Path) -> None:
    guid = "a" * 32
    endpoint = IngestEndpoint(guid, "encoder", "hunter2", FormerCredentials("before", "hunter1", 10**18))
    channel = Channel("news", guid, (endpoint, endpoint), 0, declared="d1ge57")
    path = tmp_path / "export.jsonl.gz"
    write_export(Export(0, channel, (), (), ()), path)
    text = gzip.decompress(path.read_bytes()).decode()
    assert json.loads(text)["channel"]["ingest_endpoints"][0]["username"] == "encoder"
    for secret in ("hunter", "before", "d1ge57"):
        assert secret not in text
