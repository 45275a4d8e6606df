"""The HTTP interface, a module per resource."""
