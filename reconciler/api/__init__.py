"""The JSON API over the daemon's Unix socket, and health on loopback. It asks and shows; it never decides."""
