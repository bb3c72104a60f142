"""The command line: one file a command. It talks to the daemon's API, or compiles files offline; it never decides."""
