"""A contact sheet of the demo's photos: before above, after below on a checkerboard."""

from pathlib import Path

from PIL import Image, ImageOps

from local import samples

CELL = 320
GAP = 12
SQUARE = 10
_WHITE = (255, 255, 255)
_GREY = (214, 214, 214)


def draw(demo: Path) -> Path:
    """Write before-after.jpg beside the demo's results. The last one is cropped to the face."""
    pairs = [
        (samples.PHOTOS / name, demo / "zip" / folder / Path(name).with_suffix(".png").name)
        for name, folder in samples.FOLDERS.items()
    ]
    face = samples.WITH_A_FACE
    pairs.append((samples.PHOTOS / face, demo / "several" / Path(face).with_suffix(".png").name))
    pairs = [(before, after) for before, after in pairs if after.exists()]
    step = CELL + GAP
    paper = Image.new("RGB", (step * len(pairs) + GAP, step * 2 + GAP), _WHITE)
    for column, (before, after) in enumerate(pairs):
        left = GAP + step * column
        with Image.open(before) as photo:
            paper.paste(_fitted(photo.convert("RGBA")), (left, GAP))
        with Image.open(after) as cutout:
            paper.paste(_fitted(cutout.convert("RGBA")), (left, GAP + step))
    to = demo / "before-after.jpg"
    paper.save(to, "JPEG", quality=88)
    return to


def _fitted(picture: Image.Image) -> Image.Image:
    """The whole picture in the middle of a cell; a checkerboard shows through it."""
    small = ImageOps.contain(picture, (CELL, CELL), Image.Resampling.LANCZOS)
    board = _checkerboard(small.size)
    board.alpha_composite(small)
    cell = Image.new("RGB", (CELL, CELL), _WHITE)
    cell.paste(board.convert("RGB"), ((CELL - small.width) // 2, (CELL - small.height) // 2))
    return cell


def _checkerboard(size: tuple[int, int]) -> Image.Image:
    squares = Image.new("RGBA", (2, 2), _WHITE)
    squares.putpixel((0, 0), _GREY)
    squares.putpixel((1, 1), _GREY)
    tile = squares.resize((2 * SQUARE, 2 * SQUARE), Image.Resampling.NEAREST)
    board = Image.new("RGBA", size)
    for x in range(0, size[0], tile.width):
        for y in range(0, size[1], tile.height):
            board.paste(tile, (x, y))
    return board
