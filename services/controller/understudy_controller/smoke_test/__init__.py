"""Whether an installation works: a channel of its own, some seconds of media through both inputs, the same bytes out.

For `helm test`, and for whoever has just installed or upgraded: it needs an access key that may write, and to reach the
control API, ingest and egress. What it makes it takes away again.
"""
