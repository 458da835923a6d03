"""Cases: one customer's story. Grouping, routing and the reply clock, all pure."""
