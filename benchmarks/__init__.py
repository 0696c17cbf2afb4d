"""What the figures in `docs/performance.md` come from: each beside the limit it is held against, from the same run."""
