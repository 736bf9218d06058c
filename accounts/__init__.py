"""Who the customer is, who may look, and what happened."""
