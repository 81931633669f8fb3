"""PostgreSQL and Redis for one machine, under our own supervisor.

    async with EmbeddedServers(Path(".csagent")) as servers:
        ...  # servers.database_url, servers.redis_url

Who does what, from the outside in:

- ``servers``   what a program uses: starts the keeper, hears from it, tells it to stop
- ``keeper``    a process of its own; parent of both servers, restarts one that crashes, stops them in order
- ``protocol``  what the two say to each other, one line of JSON at a time
- ``lock``      one keeper a folder; who holds it; joining it; clearing away what a killed keeper left
- ``folder``    where the data lie, whose they are, passwords and remembered ports
- ``binaries``  where the wheels keep the servers' programs, and a copy for a user who can't reach them
- ``postgres``, ``redis``  how each of the two is initialised, started and stopped
- ``process``   telling processes apart, starting children that don't outlive their parent
- ``ports``     free ports of 127.0.0.1

What happens when something is killed half-way:

- *our program* (kill -9, Ctrl-C, a closed terminal): the keeper sees the end of its pipe and stops both servers.
- *the keeper*: the kernel tells both servers to stop. Where it can't, the next start does.
- *everything at once, or the machine*: PostgreSQL recovers from its write-ahead log at the next start.
- *the first initialisation*: it happens in ``postgres.new``, which becomes ``postgres`` when it is complete; the next
  start throws a leftover away.

The folder's lock is inherited by every process that the keeper starts. Whoever gets it therefore knows that nothing of
an earlier run is alive, and that any process id found in a file is stale.
"""
