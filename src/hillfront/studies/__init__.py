"""Statistical studies of the package itself: slow, repeatable, and what the tables in docs/ are made of."""
