"""What should exist: from compiled specs, observed facts and an instant to keyed wants."""
