"""From a trained VGG-16 to quantized TFLite with its card, and the check of one against the other."""
