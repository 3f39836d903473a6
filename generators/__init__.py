"""What draws: local diffusion models, the embedded Patchwork, and remote services, behind one interface."""
