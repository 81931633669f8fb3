"""Everything with a socket or a disk behind it, implementing the ports of the inner layers."""
