"""Forecasts made again and again in the past, beside what came and the baselines."""
