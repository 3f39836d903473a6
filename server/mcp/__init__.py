"""MCP: the tools, the whole loop, images as resources."""
