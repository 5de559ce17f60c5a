"""Harvester: takes harvest jobs, and writes windows of origin endpoints as VOD assets into buckets."""
