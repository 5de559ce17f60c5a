"""Webhooks: events of the log sent to whoever an operator's file names, signed, in order, until they are taken."""
