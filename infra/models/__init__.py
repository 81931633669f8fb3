"""Embedding and chat models behind ``skills.ports``.

minilm             the bundled sentence model, on numpy alone
├── bert           its forward pass
└── weights        its weights file
openai_embeddings  any server that speaks OpenAI's protocol ┐ heavy: import these two
openai_chat        the same, filling in forms               ┘ only when a key is set
└── attempts       deadline, retries, and a vendor's errors in our words
guarded            either of these behind a circuit breaker
cache              remembers vectors by content hash, around any embedder
tracing            keeps LangSmith off unless the operator set a key
wellformed         text that UTF-8 can carry
"""
