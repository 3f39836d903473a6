"""What draws and what sees: generators behind one interface, CLIP embedders, and the prompt's scene grammar."""
