"""Learning: losses, perceptual networks, the meta-learning and fine-tuning steps, one person's training, evaluation.

Enters `network`, `rendering.feed` and `imaging`; nothing but the road functions and the command line enters here.
"""
