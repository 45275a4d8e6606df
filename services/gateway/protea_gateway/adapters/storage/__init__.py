"""All SQL of the gateway, a module per aggregate; stores take a session, flush and never commit."""
