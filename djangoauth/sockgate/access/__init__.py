"""Access of browsers: tokens to connect, grants to subscribe, revocation of both."""
