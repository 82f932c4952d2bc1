"""Bringing photos and masks in, whatever shape the pile has.

sources.py      a zip, a folder or single files, read the same way and never trusted
recognition.py  which layouts the names and contents fit; the page shows them, best first
names.py        what the names of folders and files say; matching.py: which mask is whose, by names
references.py   which photo a file of annotations means
mask_files.py   layouts in which a picture is the mask: folders, side by side, layers, palettes
coco.py, yolo.py    layouts in which numbers are, drawn by outlines.py
tables.py       parquet files with pictures in their columns
copying.py      the data set folder that comes of it, whole or not at all
downloads.py    Kaggle and the Hugging Face hub, by name
"""

from core.data.importing.copying import Imported, bring_in, import_data
from core.data.importing.plan import Plan
from core.data.importing.recognition import recognise
from core.data.importing.sources import Source, open_source

__all__ = ["Imported", "Plan", "Source", "bring_in", "import_data", "open_source", "recognise"]
