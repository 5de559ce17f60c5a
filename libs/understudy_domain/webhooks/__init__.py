"""Events as webhooks: what is sent, how it is signed, and what an answer means. Pure; the controller sends."""
