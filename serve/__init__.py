"""The doors: MCP, OpenAI-compatible HTTP and the browser, all over one engine, one queue and one set of threads."""
