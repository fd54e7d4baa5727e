"""Plain NumPy work on pixels: reading layouts, cropping to squares, resizing."""

import numpy as np
from jaxtyping import Float32, UInt8


def resize(images: UInt8[np.ndarray, "n c h w"], height: int, width: int) -> UInt8[np.ndarray, "n c height width"]:
    """Bilinear resize with pixel centres at half integers (align_corners=False), averaging when it shrinks.

    Each axis is one small matrix: output = A_h @ image @ A_w^T, so the result does not depend on the batch.
    """
    if images.shape[2:] == (height, width):
        return images
    rows, columns = filters(images.shape[2], height), filters(images.shape[3], width)
    out = np.empty((*images.shape[:2], height, width), np.uint8)
    for start in range(0, len(images), 1024):  # bounds the float copy
        block = rows @ images[start : start + 1024].astype(np.float32) @ columns.T
        out[start : start + 1024] = np.clip(np.rint(block), 0, 255)
    return out


def square(images: UInt8[np.ndarray, "n c h w"], size: int) -> UInt8[np.ndarray, "n c size size"]:
    """The central square of each image, resized."""
    height, width = images.shape[2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resize(images[:, :, top : top + side, left : left + side], size, size)


def filters(old: int, new: int) -> Float32[np.ndarray, "new old"]:
    """Triangle filters of one axis; their width grows when shrinking, so that no pixel is skipped."""
    scale = max(old / new, 1)
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(old) - centres[:, None]) / scale)
    even: Float32[np.ndarray, "new old"] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return even
