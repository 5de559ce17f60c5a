import pytest
from bench.http import UnexpectedAnswer
from bench.wrk import values_of

OUTPUT = """Running 2s test @ http://127.0.0.1:8000/
  1 threads and 32 connections
  20000 requests in 2.00s, 40.00MB read
SUMMARY {"requests":20000,"microseconds":2000000,"bytes":41943040,"failed":%d,"p50":900,"p99":2100}
"""


def test_a_run_is_read_from_what_the_script_reports() -> None:
    values = values_of(OUTPUT % 0, cpu_used_seconds=0.5)
    assert values["requests_per_second"] == 10_000
    assert values["mebibytes_per_second"] == 20
    assert values["cpu_microseconds_per_request"] == 25
    assert values["busy_fraction"] == 0.25
    assert values["latency_p99_microseconds"] == 2100


def test_a_run_in_which_a_request_failed_counts_for_nothing() -> None:
    with pytest.raises(UnexpectedAnswer):
        values_of(OUTPUT % 1, cpu_used_seconds=0.5)


def test_a_run_without_a_report_counts_for_nothing() -> None:
    with pytest.raises(UnexpectedAnswer):
        values_of("unable to connect to 127.0.0.1:8000 Connection refused", cpu_used_seconds=0.0)
