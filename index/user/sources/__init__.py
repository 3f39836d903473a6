"""Where the user's pictures come from: folders, archives, tables and addresses."""
