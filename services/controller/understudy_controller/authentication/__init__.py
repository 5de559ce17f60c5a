"""Who asks: AWS's Signature Version 4 with access keys of our own, and a line in the log for every write."""
