"""GitHub as a forge, github.com and GitHub Enterprise Server: statuses, pull requests, tokens and Apps."""
