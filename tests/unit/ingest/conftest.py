"""Real media for the probe, encoded once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.encoded_media import AAC, H264, encode

HEVC = "-c:v libx265 -preset ultrafast -x265-params keyint=50:scenecut=0:log-level=none -b:v 300k"
B_FRAMES = "-c:v libx264 -preset veryfast -bf 3 -x264-params keyint=50:scenecut=0:open-gop=0 -b:v 300k"
WRAPPING = "-output_ts_offset 95441.5 -muxdelay 0"


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Segments by what is in them."""
    root = tmp_path_factory.mktemp("media")
    return {
        "muxed": encode(root / "muxed", f"{H264} {AAC}"),
        "b-frames, wrapping": encode(root / "wrapping", f"{B_FRAMES} {AAC} {WRAPPING}"),
        "29.97 frames a second, 44.1 kHz": encode(
            root / "ntsc", f"{B_FRAMES} -g 60 {AAC}", rate="30000/1001", sample_rate=44_100
        ),
        "video only": encode(root / "video", H264, audio=False, rate="50"),
        "audio only": encode(root / "audio", AAC, video=False),
        "hevc and ac-3": encode(root / "hevc", f"{HEVC} -c:a ac3 -ac 2 -b:a 192k"),
        "e-ac-3": encode(root / "eac3", f"{H264} -c:a eac3 -ac 2 -b:a 128k"),
        "23.976 frames a second": encode(root / "film", f"{B_FRAMES} -g 48 -x264-params keyint=48", rate="24000/1001"),
    }
