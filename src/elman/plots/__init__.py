"""Every figure and page: one style, one way to make HTML."""
