"""Series over time: tables to panels, frequencies, gaps, the calendar, windows of training."""
