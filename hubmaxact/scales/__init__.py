"""Ways of storing the static scale of an activation: one table for those written and those read."""
