"""Cron expressions on the nights on which clocks change, compared with a second opinion: every IANA zone."""
