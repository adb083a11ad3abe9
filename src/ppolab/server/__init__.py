"""The server: REST, WebSocket, database, and the page itself."""
