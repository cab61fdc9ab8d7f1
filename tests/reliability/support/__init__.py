"""The harness: a service and its database as processes, clients that record everything, faults, and a judge."""
