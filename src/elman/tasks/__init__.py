"""What a recurrent network is for: one file a task, over the one loop, stack and run directory."""
