"""Training workspace: VGG-16 fine-tuned on cells that the device's own code cut."""
