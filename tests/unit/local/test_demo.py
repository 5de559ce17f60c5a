from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from understudy_domain import ticks
from understudy_domain.entry import ActiveInput
from understudy_domain.reason import Reason
from understudy_local.data_directory import DataDirectory
from understudy_local.demo import channel, clock_card
from understudy_local.demo.encoder import IngestEndpoint, command
from understudy_local.demo.status import Status
from understudy_local.demo.wishes import Wishes
from understudy_local.errors import StackNotRunning

TARGET = IngestEndpoint("http://127.0.0.1:7071/in/v2/aa/bb/channel", "who", "s/e:c@ret")


def after(words: tuple[str, ...], option: str) -> str:
    return words[words.index(option) + 1]


def test_two_encoders_name_the_same_instant_with_the_same_number_and_timestamp() -> None:
    words = tuple(command(TARGET, Path("digits.pgm"), start_seconds=1_800_000_000))
    assert after(words, "-output_ts_offset") == "1800000000"
    assert after(words, "-start_number") == "900000000"


def test_the_parent_playlist_is_at_the_ingest_url() -> None:
    words = tuple(command(TARGET, Path("digits.pgm"), start_seconds=1_800_000_000))
    folder, _, name = urlsplit(words[-1]).path.rpartition("/")
    assert (folder, name) == ("/in/v2/aa/bb", "channel_1.m3u8")
    assert after(words, "-master_pl_name") == "channel.m3u8"


def test_credentials_are_escaped_in_the_url() -> None:
    words = tuple(command(TARGET, Path("digits.pgm"), start_seconds=1_800_000_000))
    parts = urlsplit(words[-1])
    assert (parts.username, parts.password, parts.hostname) == ("who", "s%2Fe%3Ac%40ret", "127.0.0.1")


def test_the_picture_depends_on_the_time_of_day_alone() -> None:
    noon = 12 * 3600
    assert clock_card.filter_graph(noon) == clock_card.filter_graph(noon + 86_400)
    assert clock_card.filter_graph(noon) != clock_card.filter_graph(noon + 2)


def test_the_strip_of_digits_shows_each_of_them_differently(tmp_path: Path) -> None:
    strip = tmp_path / "digits.pgm"
    clock_card.write_digits(strip)
    header, _, pixels = strip.read_bytes().partition(b"\n")
    width, height = map(int, header.split()[1:3])
    glyphs = {pixels[place * width * height // 11 : (place + 1) * width * height // 11] for place in range(11)}
    assert len(glyphs) == 11


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    directory = DataDirectory(tmp_path)
    directory.create()
    return directory


def test_an_encoder_runs_until_it_is_wished_away(directory: DataDirectory) -> None:
    wishes = Wishes(directory)
    wishes.wish(1, runs=False)
    assert (wishes.shall_run(1), wishes.shall_run(2)) == (False, True)
    wishes.wish(1, runs=True)
    assert wishes.shall_run(1)


def test_a_new_stack_forgets_the_wishes_of_the_last(directory: DataDirectory) -> None:
    wishes = Wishes(directory)
    wishes.wish(2, runs=False)
    wishes.tell({1: 10, 2: None})
    wishes.reset()
    assert wishes.shall_run(2)
    with pytest.raises(StackNotRunning, match="--demo"):
        wishes.told()


def test_the_state_of_the_encoders_reads_back_as_told(directory: DataDirectory) -> None:
    Wishes(directory).tell({1: 10, 2: None})
    assert Wishes(directory).told() == {1: 10, 2: None}


STATUS = Status(
    encoders={1: None, 2: 4711},
    origin_endpoints=(
        ActiveInput(
            origin_endpoint="demo-short",
            channel="demo",
            active_input=2,
            since=ticks.from_seconds(1_800_000_000),
            reason=Reason.FAILOVER,
            media_sequence=7,
            program_sequence=8,
        ),
    ),
)


def test_status_tells_programs_who_runs_and_what_is_active_since_when_and_why() -> None:
    assert json.loads(json.dumps(STATUS.as_json())) == {
        "encoders": {"1": {"running": False, "pid": None}, "2": {"running": True, "pid": 4711}},
        "origin_endpoints": {
            "demo-short": {
                "active_input": 2,
                "since": "2027-01-15T08:00:00.000Z",
                "reason": "failover",
                "media_sequence": 7,
            }
        },
    }


def test_status_tells_people_the_same() -> None:
    text = STATUS.as_text()
    assert "encoder 1    stopped" in text
    assert "encoder 2    runs (process 4711)" in text
    assert "demo-short  follows input 2 since 2027-01-15T08:00:00.000Z" in text
    assert "reason: failover" in text


def test_a_control_api_that_ends_meanwhile_holds_up_a_ctrl_c_for_a_few_seconds_only() -> None:
    one_request_seconds = channel.ATTEMPTS_MAX * (channel.CONNECT_SECONDS + channel.READ_SECONDS)
    assert one_request_seconds <= 15
