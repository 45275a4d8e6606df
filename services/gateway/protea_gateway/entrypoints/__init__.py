"""How requests and messages reach the gateway."""
