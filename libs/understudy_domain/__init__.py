"""The pure domain: what Understudy knows about live channels, without a clock, a socket or a client library.

Everything here is a function of its arguments. ``now`` is always an argument, in ticks (``ticks.py``).
Import contracts in ``pyproject.toml`` and ruff's banned API hold this wall.
"""
