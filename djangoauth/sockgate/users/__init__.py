"""Users as the gateways see them: user records, names on the wire, permissions."""
