"""Messages between services: the port, its two implementations and the topology both of them speak."""
