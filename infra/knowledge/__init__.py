"""Articles from the outside: reading files and pages, splitting them into passages, and putting those into a store.

``reading`` walks a folder, ``crawling`` a site (``fetching`` over ``addresses`` that may be asked, ``robots``,
``sitemap``); ``formats`` hands each file to its reader (``markdown``, ``webpage``, ``faq``, ``mapping``, and
``extraction`` for ``pdf`` and ``docx``). ``passages`` splits an article along its ``blocks``; ``ingest`` decides what
is new and embeds only that. ``reindexing`` and ``switching`` change the embedding model; ``checking`` and ``conflicts``
say what is wrong. ``memory`` is the store for a machine without a server; the real one is ``infra.postgres.knowledge``.
"""
