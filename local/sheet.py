"""Draws the demo's contact sheet: photos above, their results below on a checkerboard."""

from pathlib import Path

from PIL import Image, ImageOps

from local import samples

HEIGHT = 300
GAP = 12
SQUARE = 10
_WHITE = (255, 255, 255)
_GREY = (214, 214, 214)


def draw(demo: Path) -> Path:
    """Write before-after.jpg next to the demo's results. The last column is the face crop."""
    pairs = [
        (samples.PHOTOS / name, demo / "zip" / folder / Path(name).with_suffix(".png").name)
        for name, folder in samples.FOLDERS.items()
    ]
    face = samples.WITH_A_FACE
    pairs.append((samples.PHOTOS / face, demo / "several" / Path(face).with_suffix(".png").name))
    pairs = [(before, after) for before, after in pairs if after.exists()]
    columns = [(_photo(before), _cutout(after, before)) for before, after in pairs]
    width = sum(photo.width + GAP for photo, _ in columns) + GAP
    paper = Image.new("RGB", (width, 2 * HEIGHT + 3 * GAP), _WHITE)
    left = GAP
    for photo, cutout in columns:
        paper.paste(photo, (left, GAP))
        paper.paste(cutout, (left + (photo.width - cutout.width) // 2, HEIGHT + 2 * GAP))
        left += photo.width + GAP
    to = demo / "before-after.jpg"
    paper.save(to, "JPEG", quality=88)
    return to


def _photo(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        width = round(photo.width * HEIGHT / photo.height)
        return photo.convert("RGB").resize((width, HEIGHT), Image.Resampling.LANCZOS)


def _cutout(path: Path, before: Path) -> Image.Image:
    """Return the cutout on a checkerboard, scaled to fit the size of its photo on the sheet."""
    with Image.open(path) as result:
        cutout = ImageOps.contain(
            result.convert("RGBA"), _photo(before).size, Image.Resampling.LANCZOS
        )
    board = _checkerboard(cutout.size)
    board.alpha_composite(cutout)
    return board.convert("RGB")


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
