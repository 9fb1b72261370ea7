"""Reading photos: one picture with its EXIF truth, a browser preview, a data set's manifest."""

from geotool.photos.exif import ExifFacts, read_exif
from geotool.photos.folders import find_photos
from geotool.photos.manifest import Row, read_dataset
from geotool.photos.preview import to_small_jpeg, write_preview
from geotool.photos.read import read_exif_truth, read_photo

__all__ = [
    "ExifFacts",
    "Row",
    "find_photos",
    "read_dataset",
    "read_exif",
    "read_exif_truth",
    "read_photo",
    "to_small_jpeg",
    "write_preview",
]
