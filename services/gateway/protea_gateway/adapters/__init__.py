"""What the gateway reads and writes outside itself."""
