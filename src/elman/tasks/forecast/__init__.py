"""The task `forecast` and its backtest."""
