"""The demo: a channel with two origin endpoints, and two encoders that push the same picture to its two inputs."""
