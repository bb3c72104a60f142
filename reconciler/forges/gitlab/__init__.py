"""GitLab as a forge, gitlab.com and self-managed: statuses of commits, merge requests and notes on them."""
