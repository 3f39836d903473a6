"""The command line: options, progress, the story of a run, JSON and HTML output."""
