"""Ingest: takes what encoders push, stores it, looks into it once, and says so in ARRIVALS."""
