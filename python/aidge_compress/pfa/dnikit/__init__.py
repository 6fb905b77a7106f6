"""The pipeline of Apple's DNIKit: batches, producers, processors, caches and models, as its notebooks use them."""
