"""Reading photos: one picture with its EXIF truth, a browser preview, a data set's manifest."""

from geotool.photos.exif import ExifFacts, read_exif
from geotool.photos.folders import find_photos
from geotool.photos.manifest import Manifest, Row, open_manifest, read_dataset
from geotool.photos.preview import to_small_jpeg, write_preview
from geotool.photos.read import read_exif_truth, read_photo, read_photo_bytes

__all__ = [
    "ExifFacts",
    "Manifest",
    "Row",
    "find_photos",
    "open_manifest",
    "read_dataset",
    "read_exif",
    "read_exif_truth",
    "read_photo",
    "read_photo_bytes",
    "to_small_jpeg",
    "write_preview",
]
