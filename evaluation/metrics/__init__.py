"""What can be measured of a drawing: one module per kind, one table of names; each is loaded when it is named."""
