"""Every way into the product: the HTTP service, the worker, the sender, the scheduler, the command line, Studio."""
