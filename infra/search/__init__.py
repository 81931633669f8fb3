"""What staff type to find a conversation: which words of a text can be found, and what a query is taken for."""
