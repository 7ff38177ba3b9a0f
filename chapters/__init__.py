"""What one chapter alone uses, a folder each; none imports another's, tools/ and tests/ may."""
