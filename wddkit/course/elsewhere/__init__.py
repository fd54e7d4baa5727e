"""What notebook 10 shows of the Wasserstein metric outside of distillation. Only `gan` and `matching` load torch.

pictures    an image as a measure of its ink, moved along a plan; the colours of one photograph given to another
clouds      points in the plane to move and to meet
gan         a Wasserstein GAN in two dimensions, moment by moment
matching    flow matching in two dimensions, with pairs drawn by chance or by transport
"""
