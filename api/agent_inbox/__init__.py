"""What LangChain's Agent Inbox is shown and what it sends, on top of the review desk.

    names.py        graphs, and ids of threads and interrupts that say which version was read
    shapes.py       a request in both shapes that LangChain knows, an answer in both shapes as a decision of ours
    description.py  everything else that a reviewer has to read, as Markdown
    threads.py      threads, states and runs as LangGraph's API has them

Nothing here reads or writes: ``api.routes.agent_inbox`` does, through the same repositories as the console.
"""
