"""What was counted or fitted on public data, to be done again."""
