"""What stands in the way of a daemon of some configuration, found out without one (docs/doctor.md)."""
