"""The server process: one service and one queue behind the web page, OpenAI's HTTP API and MCP."""
