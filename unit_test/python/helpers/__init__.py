"""What the tests share: networks, data, cases, and what is required of results."""
