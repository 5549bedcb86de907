"""A picture becomes cells."""
