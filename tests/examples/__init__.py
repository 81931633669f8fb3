"""What somebody who extends the product would write."""
