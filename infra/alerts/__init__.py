"""Telling people that something waits for them: whom, in which words, by mail and by signed requests."""
