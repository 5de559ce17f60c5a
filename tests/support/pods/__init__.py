"""What a chart renders, run as processes of this machine: pods without a cluster.

A pod's containers become processes with exactly the environment, the arguments and the mounted files that were
rendered; nothing of the caller's own ``UNDERSTUDY_*`` reaches them. What this machine has otherwise than a cluster is
translated in one place, :mod:`support.pods.translation`.
"""
