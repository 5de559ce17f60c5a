"""The control API: MediaPackage v1's wire contract over the CONFIG bucket."""
