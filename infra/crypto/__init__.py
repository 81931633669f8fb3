"""Sealing what is personal: a key a customer, wrapped by a master key, and blind indexes for look-ups."""
