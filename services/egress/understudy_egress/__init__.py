"""Egress: follows CONFIG and PROGRAM, and answers players and CDNs from memory."""
