"""The decision loop: reads ARRIVALS, asks the pure core, appends what it answers to PROGRAM.

Everything that decides is in ``understudy_domain.fold``; everything here is reading, appending and telling.
"""
