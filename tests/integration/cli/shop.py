"""The help articles of a small shop. Several, because whether a passage answers is judged beside the others."""

from __future__ import annotations

from pathlib import Path

_ARTICLES = {
    "Returns": "You can return a lamp within thirty days. We pay for the parcel back.",
    "Warranty": "Every lamp has a warranty of two years from the day you bought it.",
    "Gift cards": "A gift card is valid for three years and can be used in several orders.",
    "Opening hours": "You can ring us from Monday to Friday, from nine to five o'clock.",
    "Payment": "We take cards, bank transfers and payment on account for schools.",
    "Repairs": "Our workshop repairs lamps of any age for a fixed price.",
    "Password": "Choose Forgot password on the sign-in page and we mail you a link.",
    "Delivery times": "## How long standard delivery takes\n\nStandard delivery takes three working days.",
}


def write_shop(folder: Path) -> Path:
    """Write the articles into a new folder, one file each."""
    folder.mkdir()
    for title, text in _ARTICLES.items():
        (folder / f"{title.lower().replace(' ', '-')}.md").write_text(f"# {title}\n\n{text}\n")
    return folder
