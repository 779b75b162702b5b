"""What the node says of its own work: metrics, traces, health. Never of a patient."""
