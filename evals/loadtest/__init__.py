"""``csagent loadtest``: load on a running service as customers make it, history to fill a database with, and figures.

arrivals.py says when messages come, questions.py which; customers.py sends them over a channel (channel.py, web.py)
and watches for replies; record.py and histogram.py keep the figures; report.py shows them. seed.py fills a database,
statements.py reads the server's log for what each statement takes, capacity.py finds what one worker process can do.
"""
