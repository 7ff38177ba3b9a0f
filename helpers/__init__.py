"""What the chapters share: each module carries what one chapter built in the open."""
