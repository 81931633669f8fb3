"""The public status page, without a database: components and checks, uptime, timers, the snapshot, the feed."""
