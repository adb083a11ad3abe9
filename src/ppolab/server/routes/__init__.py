"""The routes, one module per area. They are thin: they translate and call."""
