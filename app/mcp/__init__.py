"""MCP: tools of the servers in a `mcpServers` configuration, and this product as a server itself."""
