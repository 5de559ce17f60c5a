"""The console: pages that show why, and what feeds them."""
