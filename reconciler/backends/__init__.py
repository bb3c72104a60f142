"""Where attempts run: one package or module for each backend, all under the laws of `reconciler.ports.Backend`."""
