"""From the laboratories' folders to the cell set: readers, names, links, splits, and the set on disk."""
