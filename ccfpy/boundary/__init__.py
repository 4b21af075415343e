"""Everything that host and enclave can say to each other: events in, effects out.

Events and effects are plain frozen values; ``wire`` turns batches of them into frames
and back. Nothing else crosses between the two processes.
"""
