"""What a project in DEBUG uses where nothing is configured: keys, addresses, an embedded Valkey."""
