"""Gitea and Forgejo as a forge: statuses of commits, pull requests and comments on them."""
