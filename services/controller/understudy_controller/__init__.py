"""The controller: the control API, and the loop that decides what every origin endpoint shows."""
