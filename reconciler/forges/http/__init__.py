"""What forges with an HTTP API have in common: a client with pace and patience, answers sorted by what follows.

Names no forge and decides no status: the adapters beside it do. Never lets a credential out, but to the one host.
"""
