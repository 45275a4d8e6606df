"""What the gateway decides without asking anyone."""
