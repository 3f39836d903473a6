"""References from the open web: sources that are searched by words, what they find ranked by what it shows."""
