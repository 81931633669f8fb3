"""The product's core as a plain Python model, and a hypothesis machine that holds the database against it."""
