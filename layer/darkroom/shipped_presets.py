"""The presets that every deployment has. docs/presets.md says which rules they follow.

The rules are of the given month, and change without notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from darkroom.presets import Preset

_CHECKED = "2026-11"
_WHITE = "#FFFFFF"


def _packshot(width: int, height: int, *, fill: float = 0.85) -> dict[str, Any]:
    return {
        "background": _WHITE,
        "canvas": {"width": width, "height": height, "fill": fill},
        "format": "jpeg",
        "quality": 92,
    }


def _post(width: int, height: int) -> dict[str, Any]:
    """A post on a social network: the subject before its own photo, blurred."""
    return _packshot(width, height, fill=0.8) | {"background": {"blur": 60}}


def _portrait(aspect: str, padding: float, side: int) -> dict[str, Any]:
    face = {"aspect": aspect, "padding": padding, "align": True}
    return {"crop_face": True, "face": face, "format": "jpeg", "quality": 92, "max_side": side}


def _preset(description: str, options: dict[str, Any], source: str | None = None) -> Preset:
    return Preset(
        description=description,
        options=options,
        source=source,
        checked=_CHECKED if source else None,
    )


SHIPPED: Final[Mapping[str, Preset]] = {
    "amazon": _preset(
        "Amazon, main image: 2,000 pixels square, pure white, the product fills 85 %",
        _packshot(2000, 2000),
        "https://mercatuslab.com/blog/amazon-product-image-requirements",
    ),
    "ebay": _preset(
        "eBay: 1,600 pixels square, white, without border or text",
        _packshot(1600, 1600),
        "https://www.ebay.com/help/policies/listing-policies/picture-policy?id=4370",
    ),
    "etsy": _preset(
        "Etsy: 2,700 x 2,025 pixels (4:3), white",
        _packshot(2700, 2025, fill=0.8),
    ),
    "shopify": _preset(
        "Shopify: 2,048 pixels square, white",
        _packshot(2048, 2048),
        "https://help.shopify.com/api/guides/media",
    ),
    "walmart": _preset(
        "Walmart: 2,200 pixels square, seamless white",
        _packshot(2200, 2200),
        "https://marketplacelearn.walmart.com/guides/Item%20setup/Item%20content,%20imagery,"
        "%20and%20media/Product-detail-page:-Image-guidelines-&-requirements",
    ),
    "zalando": _preset(
        "Zalando, packshot: 1,801 x 2,600 pixels, white",
        _packshot(1801, 2600),
        "https://partner.zalando.com/university/article/visual-content-and-post-production-guide",
    ),
    "google-merchant": _preset(
        "Google Merchant Center: 1,600 pixels square, white",
        _packshot(1600, 1600),
        "https://support.google.com/merchants/answer/6324350",
    ),
    "instagram-square": _preset(
        "Instagram, square post: 1,080 x 1,080 pixels, before the blurred photo", _post(1080, 1080)
    ),
    "instagram-portrait": _preset(
        "Instagram, portrait post: 1,080 x 1,350 pixels, before the blurred photo",
        _post(1080, 1350),
    ),
    "story": _preset("Stories: 1,080 x 1,920 pixels, before the blurred photo", _post(1080, 1920)),
    "facebook": _preset(
        "Facebook, link and post: 1,200 x 630 pixels, before the blurred photo", _post(1200, 630)
    ),
    "linkedin-portrait": _preset(
        "LinkedIn, profile: the face, square, up to 800 pixels, with its own background",
        _portrait("1:1", 0.7, 800) | {"remove_bg": False},
    ),
    "passport-35x45": _preset(
        "The face at 35 x 45 mm and 300 dpi, before white. No authority has approved it.",
        _portrait("35:45", 0.45, 531) | {"background": _WHITE, "dpi": 300},
    ),
}
