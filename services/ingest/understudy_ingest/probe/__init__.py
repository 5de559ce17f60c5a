"""One look into each segment: timestamps, durations, continuity, codec configuration.

``prober`` puts it together: ``peek`` reads packet headers of every segment with numpy, ``describe`` asks PyAV only
where tables or codec configuration have not been seen before.
"""
