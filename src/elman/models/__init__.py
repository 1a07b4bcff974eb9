"""Networks for a task: layers between what goes in and what is read out."""
