"""leuko-edge: a white-cell differential from photographs of a stained blood smear.

    for frame in source:                              # sources.Pictures, a folder or files
        field = optics.Field.from_bgr(frame.bgr)      # white reference, optical density, µm per pixel
        cells = segment.find_cells(field)             # nuclei by stain and size, each with its cytoplasm
        crops = crop.cut(field, cells)                # RGB at a fixed physical scale
        predictions = classifier.classify(crops)      # LiteRT
        tally.add(predictions)                        # the differential with its uncertainty

Not a medical device.
"""

__version__ = "0.1.0"
