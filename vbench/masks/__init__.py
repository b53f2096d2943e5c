"""Binary masks as voxels: pairs of them, centrelines, radii, lengths, and what is 2D."""
