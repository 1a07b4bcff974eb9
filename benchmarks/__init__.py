"""What elman is measured by; figures are in RESULTS.md, each with its command."""
