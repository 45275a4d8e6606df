"""The gateway: HTTP in and out, live progress, and the record of dead letters."""
