"""Videos: files, folders of images and arrays, as frames of one rate and size."""
