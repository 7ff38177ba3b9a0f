"""The verbs of ./course: what neither a chapter nor what chapters share needs."""
