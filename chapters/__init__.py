"""What one chapter alone uses, in a folder for each; none imports another's."""
