"""The queue: enqueue, dispatch, brokers and the relay to other nodes."""
