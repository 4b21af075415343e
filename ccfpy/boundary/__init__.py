"""All messages between host and enclave: events in, effects out.

Events and effects are plain values; ``wire`` turns batches of them into frames and
back. Nothing else crosses between the two processes.
"""
