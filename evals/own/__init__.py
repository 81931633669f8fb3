"""What we wrote ourselves to measure the agent by: cases and attacks, each with the reader that checks them."""
