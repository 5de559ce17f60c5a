"""An entry comes back from the log as it went in."""

from __future__ import annotations

from dataclasses import replace

from support.program_entries import make_entry
from understudy_domain import codec
from understudy_domain.entry import Evidence, InputEvidence, ProgramEntry


def test_an_entry_whose_evidence_has_no_deadline_comes_back_equal() -> None:
    evidence = Evidence(deadline=None, inputs=(InputEvidence(input_id=1, complete=True),))
    entry = replace(make_entry(0), evidence=evidence)
    assert codec.decode_as(ProgramEntry, codec.encode(entry)) == entry
