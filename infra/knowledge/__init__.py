"""Articles from the outside: reading files, splitting them into passages, and putting those into a store.

``reading`` walks a folder and hands each file to the reader of its format (``markdown``, ``webpage``, ``faq``,
``mapping``); ``passages`` splits an article; ``ingest`` decides what is new and embeds only that. ``memory`` is the
store for a machine without a server; the real one is ``infra.postgres.knowledge``.
"""
