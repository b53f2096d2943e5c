"""README.md of an export: the data set card of the Hugging Face hub, which its library reads."""

from __future__ import annotations

import json
from typing import Any

from vbench.markdown import escape
from vbench.share.croissant import name
from vbench.share.sheet import Datasheet
from vbench.share.table import TABLE
from vbench.share.words import label_words
from vbench.usertext import hub_licence

CARD = "README.md"
#: The hub's classes of size, by the number below which they are.
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


def dataset_card(sheet: Datasheet) -> str:
    """Return the card: fields for the hub and its library, then what a reader needs to begin."""
    fields: dict[str, Any] = {
        **hub_licence(sheet.licence),
        "pretty_name": name(sheet),
        "task_categories": ["image-segmentation"],
        "tags": ["synthetic", "medical", "vessel-segmentation", "vbench"],
        "size_categories": [next((s for n, s in _SIZES if sheet.patches < n), "n>1M")],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": TABLE}]}],
    }
    lines = [
        "---",
        *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()),
        "---",
        "",
        f"# {escape(name(sheet))}",
        "",
        f"{sheet.patches} synthetic labelled vessel patches, {' × '.join(map(str, sheet.size))} "
        f"voxels. {escape(sheet.learnt)}",
        "",
        "Read `DATASHEET.md` before you use them: what was audited, what they are worth, and what "
        "they are not.",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        'patches = load_dataset("path/of/this/folder", split="train").with_format("numpy")',
        "```",
        "",
        f"A row has `image`, in [-1, 1]{_channels(sheet)}, and `label`, "
        f"{escape(label_words(sheet.labels))}. `images.npy` and `labels.npy` hold "
        "the same; `croissant.json` describes all files in Croissant.",
        "",
        f"Licence: {escape(sheet.licence or 'not stated')}. "
        f"Citation: {escape(sheet.citation or 'not stated')}.",
    ]
    return "\n".join(lines) + "\n"


def _channels(sheet: Datasheet) -> str:
    if sheet.channel_names is None:
        return ""
    return escape(f", its first axis the channels {', '.join(sheet.channel_names.values())}")
