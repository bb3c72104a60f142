"""What must be done: reads repositories, backends and the ledger, asks `planner`, and acts on the answer."""
