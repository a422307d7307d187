"""What the Messaging Insights API is: pure knowledge, no I/O, no clock."""
