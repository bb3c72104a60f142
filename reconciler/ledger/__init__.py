"""The ledger: facts and the records folded from them, on SQLite and in memory."""
