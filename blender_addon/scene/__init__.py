"""The scene: rigs and cameras read, image sequences and node trees written."""
