"""PostgreSQL from a wheel, for laptops, the demo and tests."""
