"""PostgreSQL, the truth: the pool, the migrations, and one repository a noun with its SQL beside it in ``sql/``.

Nothing else in the project imports psycopg. A repository opens and seals what is personal; nobody above it sees a
ciphertext and nobody below it a text.
"""
