"""Quality: elman's own runs beside published results, one recipe file for each figure."""
