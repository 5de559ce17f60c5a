"""The whole of Understudy on one machine: a real NATS server, a real S3 server, the four services, two encoders."""
